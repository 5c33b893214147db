/** The log of the running factory: the default log of objects that it creates. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { createLogger, type Logger } from '../log/index.js';

const current = new AsyncLocalStorage<() => Logger>();
let atWork = 0;

/**
 * Runs a factory with a log. While none runs, the storage is disabled, because before Node 24 it slows down each promise and callback of
 * a request. Objects that a factory creates after it has ended therefore need an explicit log there.
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

/** Reports whether this code runs in a factory. */
export function isFactoryAtWork(): boolean {
  return current.getStore() !== undefined;
}

/** Returns the log of the running factory; outside of one, a log of that name to standard error. */
export function factoryLog(name: string): Logger {
  return current.getStore()?.() ?? createLogger({ base: { name } });
}
