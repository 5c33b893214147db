/**
 * Names of queues, exchanges and messages, descriptions of routes, and the error of a call that no queue takes.
 */
import { hash } from 'node:crypto';
import type { ErrorDetails } from 'portico/extension';
import { InvalidTarget, NoServers } from '../errors.js';
import type { Message, Route } from './transport.js';

/** A dot separates exchange, topic and host; `<exchange>.dead` has the dead letters. */
const NAMES = {
  exchange: [/^[\w-]{1,100}$/, ''],
  topic: [/^(?!dead$)[\w-]{1,100}$/, ', but not "dead"'],
  host: [/^[\w.:-]{1,100}$/, ', dots and colons'],
} as const;
/** For services of oslo.messaging: characters without a meaning in the pattern of a binding. */
const OSLO_NAME = /^[!"$-)+-~]{1,200}$/;
/** Suffix of the topic in the name of a queue with the fanouts of one process. */
const FANOUT = /^fanout\.[\da-f-]{36}$/;
const OSLO_FANOUT = /_fanout_[\da-f]{32}$/;
/** Limit of AMQP for a queue's name and a routing key, in bytes. */
const LONGEST = 255;

/** Throws `InvalidTarget` for a route with invalid names, or with both a host and fanout. `isOslo`: with names of oslo.messaging. */
export function checkRoute({ exchange, topic, server, fanout }: Route, isOslo = false): void {
  for (const [what, name] of Object.entries({ exchange, topic, host: server })) {
    const wrong = name === undefined ? undefined : wrongName(what as keyof typeof NAMES, name, isOslo);
    if (wrong !== undefined) throw new InvalidTarget(wrong);
  }
  if (server !== undefined && fanout === true) {
    throw new InvalidTarget({ message: `${topic}: a call goes to the host ${server} or to all hosts, not both` });
  }
  const length = [exchange, topic, server ?? 'fanout'].join('.').length;
  if (length > LONGEST) {
    throw new InvalidTarget({
      message: `exchange, topic and host are ${length} characters together: a queue's name has ${LONGEST} at most`,
    });
  }
}

/** Parses the route of an exchange's queue from its name. `isOslo`: with names of oslo.messaging, which contain no exchange. */
export function routeOfQueue(exchange: string, queue: string, isOslo = false): Route {
  if (isOslo && OSLO_FANOUT.test(queue)) return { exchange, topic: queue.replace(OSLO_FANOUT, ''), fanout: true };
  const whole = queue.startsWith(`${exchange}.`) ? queue.slice(exchange.length + 1) : queue;
  const [topic = '', ...rest] = whole.split('.');
  const server = rest.join('.');
  if (FANOUT.test(server)) return { exchange, topic, fanout: true };
  return { exchange, topic, ...(server !== '' && { server }) };
}

/** Describes a route for messages: `compute on north of portico`. An address is unchanged. */
export function describeRoute(to: Route | string): string {
  if (typeof to === 'string') return `the address ${to}`;
  const { exchange, topic, server, fanout } = to;
  const where = server === undefined ? (fanout === true ? ' everywhere' : '') : ` on ${server}`;
  return `${topic}${where} (exchange ${exchange})`;
}

/** Returns the id of a message. If its sender gave it none, it is derived from the body. */
export function nameOfMessage({ id, body }: Pick<Message, 'id' | 'body'>): string {
  return id || `body-${hash('sha256', body).slice(0, 12)}`;
}

/** Returns the error of a mandatory message without a queue. `to`: as in {@link describeRoute}. */
export function noQueue(to: string): NoServers {
  return new NoServers({
    message: `there is no queue for ${to}`,
    hint: 'Start its service. The queue of a host is kept for 24 hours after its service stops.',
  });
}

/** Returns the error in a name that cannot be part of a queue's name; undefined for a valid one. */
export function wrongName(what: keyof typeof NAMES, name: string, isOslo = false): ErrorDetails | undefined {
  const [pattern, more] = isOslo ? [OSLO_NAME, ', and other signs of ASCII but * and #'] : NAMES[what];
  if (pattern.test(name)) return undefined;
  return {
    message: `the ${what} ${JSON.stringify(name)} cannot be part of the name of a queue`,
    hint: `Take 1 to ${isOslo ? 200 : 100} letters, digits, underscores and dashes${more}.`,
  };
}

/** Returns the name of the queue of a topic or of a host. An exchange and a topic contain no dots, so names differ if routes do. */
export function queueName({ exchange, topic, server }: Route): string {
  return [exchange, topic, server ?? []].flat().join('.');
}
