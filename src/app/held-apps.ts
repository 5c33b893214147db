/**
 * Closable apps that a factory creates, such as Routers: they are closed together with the factory's other resources. An app that a
 * module creates once is not closed: it may be returned again.
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import { createLogger, type Logger } from '../log/index.js';
import type { App, ClosableApp } from './app.js';
import type { FactoryContext, OpenApiAdditions } from './factory.js';

/** The number of users of each app created in a factory, which may return the same app again. */
const holders = new WeakMap<App, number>();

/** Registers a new app. */
export function noteMade<A extends ClosableApp>(app: A): A {
  const work = current.getStore();
  if (work === undefined) return app;
  work.made?.push(app);
  holders.set(app, 0);
  return app;
}

/** Calls a factory. An app that it creates and returns is closed with the factory's other resources, unless another load still uses it. */
export async function callFactory<T>(
  ctx: Pick<FactoryContext, 'log' | 'onClose'>,
  factory: () => T,
  more: Omit<FactoryAtWork, 'log'> = {},
): Promise<Awaited<T>> {
  const result = await runFactory({ log: () => ctx.log, ...more }, factory);
  const app = result as ClosableApp;
  const before = holders.get(app);
  if (before === undefined) return result;
  holders.set(app, before + 1);
  ctx.onClose((over) => {
    const others = holders.get(app)! - 1;
    holders.set(app, others);
    return others === 0 ? app.close(over) : undefined;
  });
  return result;
}

// The running factory, for objects that it creates: its log, the additions of the filters around its app to documents, and the apps so far.

/** A running factory. */
interface FactoryAtWork {
  readonly log: () => Logger;
  /** Returns the additions of the filters around its app, outermost first. Complete when the pipeline is. */
  readonly around?: (() => readonly OpenApiAdditions[]) | undefined;
  /** Gets the closable apps that it makes. */
  readonly made?: App[] | undefined;
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

/** Returns the log of the running factory; outside of one, a log of that name to standard error. */
export function factoryLog(name: string): Logger {
  return current.getStore()?.log() ?? createLogger({ base: { name } });
}

/** Returns a function for the additions of the filters around the running factory's app. */
export function additionsAround(): () => readonly OpenApiAdditions[] {
  return current.getStore()?.around ?? (() => []);
}
