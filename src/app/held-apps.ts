/**
 * Closable apps that a factory creates, such as Routers: they are closed together with the factory's other resources. An app that a
 * module creates once is not closed: it may be returned again.
 */
import type { App, ClosableApp } from './app.js';
import type { FactoryContext } from './factory.js';
import { type FactoryAtWork, isFactoryAtWork, runFactory } from './factory-log.js';

/** The number of users of each app created in a factory, which may return the same app again. */
const holders = new WeakMap<App, number>();

/** Registers a new app. */
export function noteMade<A extends ClosableApp>(app: A): A {
  if (isFactoryAtWork()) holders.set(app, 0);
  return app;
}

/** Calls a factory. An app that it creates and returns is closed with the factory's other resources, unless another load still uses it. */
export async function callFactory<T>(
  ctx: Pick<FactoryContext, 'log' | 'onClose'>,
  factory: () => T,
  around?: FactoryAtWork['around'],
): Promise<Awaited<T>> {
  const result = await runFactory({ log: () => ctx.log, around }, factory);
  const app = result as ClosableApp;
  const before = holders.get(app);
  if (before === undefined) return result;
  holders.set(app, before + 1);
  ctx.onClose(() => {
    const others = holders.get(app)! - 1;
    holders.set(app, others);
    return others === 0 ? app.close() : undefined;
  });
  return result;
}
