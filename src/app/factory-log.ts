/**
 * The log of the factory that is at work: what it makes writes there where it is given no other.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { createLogger, type Logger } from '../log/index.js';

const current = new AsyncLocalStorage<() => Logger>();

/** Runs a factory whose log is the one that `log` gives. */
export function runFactory<T>(log: () => Logger, factory: () => T): T {
  return current.run(log, factory);
}

/** The log of the factory that is at work; outside of one a log of that name, to standard error. */
export function factoryLog(name: string): Logger {
  return current.getStore()?.() ?? createLogger({ base: { name } });
}
