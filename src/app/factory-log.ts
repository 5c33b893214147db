/** The running factory, for objects that it creates: its log, and the additions of the filters around its app to documents. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { createLogger, type Logger } from '../log/index.js';
import type { OpenApiAdditions } from './factory.js';

/** A running factory. */
export interface FactoryAtWork {
  readonly log: () => Logger;
  /** Returns the additions of the filters around its app, outermost first. Complete when the pipeline is. */
  readonly around?: (() => readonly OpenApiAdditions[]) | undefined;
}

const current = new AsyncLocalStorage<FactoryAtWork>();
let atWork = 0;

/**
 * Runs a factory. While none runs, the storage is disabled, because before Node 24 it slows down each promise and callback of a request.
 * Objects that a factory creates after it has ended therefore need an explicit log there.
 */
export async function runFactory<T>(work: FactoryAtWork, factory: () => T): Promise<Awaited<T>> {
  atWork += 1;
  try {
    return await current.run(work, factory);
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
  return current.getStore()?.log() ?? createLogger({ base: { name } });
}

/** Returns a function for the additions of the filters around the running factory's app. */
export function additionsAround(): () => readonly OpenApiAdditions[] {
  return current.getStore()?.around ?? (() => []);
}
