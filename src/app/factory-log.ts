/**
 * The log of the factory that is at work: what it makes writes there where it is given no other.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { createLogger, type Logger } from '../log/index.js';

const current = new AsyncLocalStorage<() => Logger>();
let atWork = 0;

/**
 * Runs a factory whose log is the one that `log` gives. While none is at work the storage is disabled: before Node 24 each
 * promise and each callback of a request would be noted in it. There, whatever a factory makes after it has ended has to be given a log.
 */
export async function runFactory<T>(log: () => Logger, factory: () => T): Promise<Awaited<T>> {
  atWork += 1;
  try {
    return await current.run(log, factory);
  } finally {
    atWork -= 1;
    if (atWork === 0) current.disable();
  }
}

/** Whether this code runs in a factory. */
export function isFactoryAtWork(): boolean {
  return current.getStore() !== undefined;
}

/** The log of the factory that is at work; outside of one a log of that name, to standard error. */
export function factoryLog(name: string): Logger {
  return current.getStore()?.() ?? createLogger({ base: { name } });
}
