/**
 * Checks the options of a client: names and times.
 */
import { PorticoError, refuseUnknownOptions } from '../../errors/index.js';
import type { ClientOptions } from '../../service/index.js';
import { InvalidTarget } from '../errors.js';
import { LONGEST_NAME } from '../message/envelope.js';

/** Seconds: RabbitMQ closes the channel for a message with a time to live of 2^32 ms or more, which affects other messages on it. */
const LONGEST_WAIT_S = 4_294_967;

const OPTIONS: Readonly<Record<keyof ClientOptions, true>> = {
  exchange: true,
  topic: true,
  server: true,
  fanout: true,
  namespace: true,
  version: true,
  versionCap: true,
  timeout: true,
  callMonitorTimeout: true,
  retry: true,
  ttl: true,
  signal: true,
  mandatory: true,
  altTopic: true,
  allowedErrors: true,
  releases: true,
  long: true,
};

/** Throws `PORTICO_RPC_OPTION` for unknown options and invalid times, `InvalidTarget` for an invalid namespace. */
export function checkOptions(options: ClientOptions): void {
  refuseUnknownOptions('PORTICO_RPC_OPTION', 'a client', options, Object.keys(OPTIONS));
  checkTimes(options);
  if (options.namespace !== undefined) checkName('the namespace', options.namespace);
}

function checkTimes({ timeout, ttl, callMonitorTimeout, topic }: ClientOptions): void {
  const least = { timeout: [timeout, 0], ttl: [ttl, 0], callMonitorTimeout: [callMonitorTimeout, 2] } as const;
  for (const [name, [seconds, min]] of Object.entries(least)) {
    if (seconds === undefined || (seconds >= min && seconds <= LONGEST_WAIT_S)) continue;
    throw new PorticoError('PORTICO_RPC_OPTION', {
      message: `${topic}: ${name} is ${seconds}: expected a number of seconds, ${min} to ${LONGEST_WAIT_S}`,
    });
  }
}

/** Throws `InvalidTarget` for a name that servers cannot read. `what`: `the method`. */
export function checkName(what: string, name: string): void {
  if (name.length <= LONGEST_NAME) return;
  throw new InvalidTarget({
    message: `${what} ${name.slice(0, 40)}… has ${name.length} characters: ${LONGEST_NAME} are allowed`,
  });
}
