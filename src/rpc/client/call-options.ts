/**
 * Checks of the options of a client: names, and times.
 */
import { didYouMean, PorticoError } from '../../errors/index.js';
import type { ClientOptions } from '../../service/index.js';

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

/** Throws `PORTICO_RPC_OPTION` for unknown options, and for times that cannot be. */
export function checkOptions(options: ClientOptions): void {
  checkNames(options);
  checkTimes(options);
}

function checkNames(options: ClientOptions): void {
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(OPTIONS, name)) continue;
    throw new PorticoError('PORTICO_RPC_OPTION', {
      message: `a client has no option "${name}"`,
      hint: didYouMean(name, Object.keys(OPTIONS)) ?? `There are: ${Object.keys(OPTIONS).join(', ')}.`,
    });
  }
}

function checkTimes({ timeout, ttl, callMonitorTimeout, topic }: ClientOptions): void {
  const least = { timeout: [timeout, 0], ttl: [ttl, 0], callMonitorTimeout: [callMonitorTimeout, 2] } as const;
  for (const [name, [seconds, min]] of Object.entries(least)) {
    if (seconds === undefined || (Number.isFinite(seconds) && seconds >= min)) continue;
    throw new PorticoError('PORTICO_RPC_OPTION', {
      message: `${topic}: ${name} is ${seconds}: a number of seconds, ${min} or more, is wanted`,
    });
  }
}
