/**
 * Dead letters of an exchange, for operators: messages that were not handled in time, were refused, or were returned too often.
 */
import { ignoreErrors, PorticoError } from 'portico/extension';
import { InvalidTarget, NoServers } from '../errors.js';
import { type RequestEnvelope, readRequest } from '../message/envelope.js';
import { isRecord } from '../message/typed-json.js';
import { checkRoute, nameOfMessage, routeOfQueue } from '../transport/route.js';
import type { Delivery, Route, Transport, TransportOptions } from '../transport/transport.js';
import type { RPCConnection } from './rpc-connection.js';

/** A dead letter, without the values of its arguments, which may be secret. */
export interface DeadLetter {
  /**
   * Id of the message: each process that refused a fanout made a letter of its copy, and all have the same id. If another sender gave it
   * none, it is derived from the body.
   */
  readonly id: string;
  /** Undefined if the message does not name its queue. */
  readonly topic: string | undefined;
  /** Host of a message for one host. */
  readonly host: string | undefined;
  /** True for the copy of one process of a message that was sent to all. */
  readonly isFanout: boolean;
  /** Undefined if the message cannot be read. */
  readonly method: string | undefined;
  readonly version: string | undefined;
  readonly namespace: string | undefined;
  readonly requestId: string | undefined;
  /** Names of its arguments. */
  readonly args: readonly string[];
  readonly bytes: number;
  readonly died: Date | undefined;
  readonly reason: string;
}

/** Selects dead letters: those with one of these ids, of this topic, or all. */
export interface DeadLetterFilter {
  readonly ids?: readonly string[] | undefined;
  readonly topic?: string | undefined;
}

/** Result of a replay; `failure`: it stays a dead letter. */
export interface Replayed {
  readonly letter: DeadLetter;
  readonly failure?: string;
}

/**
 * Removes the queue of a host whose service is gone for good, so that calls to that host are refused at once rather than wait. Its messages
 * become dead letters. Returns false if there is none, or the service still consumes. Rejects with `DeliveryFailure` without a broker.
 */
export async function removeHostQueue(
  connection: RPCConnection,
  { topic, host }: { readonly topic: string; readonly host: string },
): Promise<boolean> {
  const { exchange, transport: options } = connection.settings;
  const transport = await connection.connected(patienceMs(options));
  return await transport.removeQueue({ exchange, topic, server: host });
}

/** Returns the time that an operator waits for a broker: about four attempts. */
function patienceMs({ retryIntervalMs }: Pick<TransportOptions, 'retryIntervalMs'>): number {
  return 10 * retryIntervalMs;
}

/** Reads, replays and drops dead letters. Rejects with `DeliveryFailure` without a broker. */
export class DeadLetters {
  readonly #connection: RPCConnection;

  constructor(connection: RPCConnection) {
    this.#connection = connection;
  }

  get exchange(): string {
    return this.#connection.settings.exchange;
  }

  /** Returns them, oldest first. */
  list(filter: DeadLetterFilter = {}): Promise<readonly DeadLetter[]> {
    return this.#each(filter, async (letter) => letter);
  }

  /** Drops them, and returns them. */
  drop(filter: DeadLetterFilter): Promise<readonly DeadLetter[]> {
    return this.#each(filter, (letter, { ack }) => ack().then(() => letter));
  }

  /**
   * Sends each to its original queue, unchanged: a caller that no longer waits gets no reply, and a process drops an id that it has begun
   * recently. A letter is removed after the broker has confirmed its message.
   */
  replay(filter: DeadLetterFilter): Promise<readonly Replayed[]> {
    return this.#each(filter, (letter, delivery, transport) =>
      this.#sendAgain(letter, delivery, transport).then(
        () => ({ letter }),
        (error: unknown) => ({ letter, failure: error instanceof PorticoError ? error.describe() : String(error) }),
      ),
    );
  }

  async #each<T>(
    { ids, topic }: DeadLetterFilter,
    work: (letter: DeadLetter, delivery: Delivery, transport: Transport) => Promise<T>,
  ): Promise<T[]> {
    const done: T[] = [];
    const transport = await this.#connection.connected(patienceMs(this.#connection.settings.transport));
    await transport.eachDeadLetter(this.exchange, async (delivery) => {
      const letter = this.#read(delivery);
      if (ids !== undefined && !ids.includes(letter.id)) return;
      if (topic !== undefined && letter.topic !== topic) return;
      done.push(await work(letter, delivery, transport));
    });
    return done;
  }

  async #sendAgain({ isFanout }: DeadLetter, { death, message, ack }: Delivery, transport: Transport): Promise<void> {
    const { castTtlMs, isOslo } = this.#connection.settings;
    if (death === undefined) {
      throw new InvalidTarget({
        message: 'its original queue is unknown',
        hint: `Another application put it into ${this.exchange}.dead. Call its method with api-cli rpc cast, and drop it.`,
      });
    }
    const { queue } = death;
    const route = this.#routeOf(queue);
    // The queue of a killed process exists until it expires, together with its messages.
    if (isFanout && !(await transport.hasConsumer(queue))) {
      throw new NoServers({
        message: 'it is a copy of a fanout, and its process has ended or is not connected to the broker',
        hint: 'Drop it, unless that process will reconnect. Processes started since then were not addressed.',
      });
    }
    // Names of oslo.messaging's queues have no exchange: such a letter goes by the exchange, to a queue bound there.
    const to = isOslo && !isFanout ? route : queue;
    await transport.publish(to, message, { mandatory: true, ttlMs: castTtlMs || undefined });
    await ack();
  }

  /** Returns the route to a queue. Any sender may write the queue of a letter: throws for one of another application. */
  #routeOf(queue: string): Route {
    const { isOslo } = this.#connection.settings;
    const route = routeOfQueue(this.exchange, queue, isOslo);
    try {
      // Names of oslo.messaging's queues have no exchange.
      if (isOslo || queue.startsWith(`${this.exchange}.`)) {
        checkRoute(route, isOslo);
        return route;
      }
    } catch (error) {
      if (!(error instanceof InvalidTarget)) throw error;
    }
    throw new InvalidTarget({
      message: `it names the queue ${JSON.stringify(queue)}, which belongs to no service of the exchange ${this.exchange}`,
      hint: 'Another application put it there, or it belongs to another exchange. Drop it.',
    });
  }

  #read({ message, death }: Delivery): DeadLetter {
    const { exchange, isOslo, limits } = this.#connection.settings;
    const route = death && routeOfQueue(exchange, death.queue, isOslo);
    const request = ignoreErrors(() => readRequest(message.body, limits)) as Partial<RequestEnvelope> | undefined;
    const { method, ver, ns, ctx = {}, args } = request ?? {};
    const requestId = ctx.request_id;
    return {
      id: nameOfMessage(message),
      topic: route?.topic,
      host: route?.server,
      isFanout: route?.fanout === true,
      method,
      version: ver,
      namespace: ns,
      requestId: typeof requestId === 'string' ? requestId : undefined,
      args: isRecord(args) ? Object.keys(args) : [],
      bytes: message.body.length,
      died: death && new Date(death.at),
      reason: death?.reason ?? 'unknown',
    };
  }
}
