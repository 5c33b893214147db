/**
 * Apps that can be closed and that a factory has made, such as those of a Router: they are closed with what the factory has acquired. An app
 * that a module has made once for all is left alone: it may be given again.
 */
import type { App, ClosableApp } from './app.js';
import type { FactoryContext } from './factory.js';
import { isFactoryAtWork, runFactory } from './factory-log.js';

/** How many hold each app that a factory has made: it may give the same app again. */
const holders = new WeakMap<App, number>();

/** Notes a new app. */
export function noteMade<A extends ClosableApp>(app: A): A {
  if (isFactoryAtWork()) holders.set(app, 0);
  return app;
}

/** Calls a factory. The app that it makes and returns is closed with what it has acquired, unless another load still has it. */
export async function callFactory<T>(
  ctx: Pick<FactoryContext, 'log' | 'onClose'>,
  factory: () => T,
): Promise<Awaited<T>> {
  const result = await runFactory(() => ctx.log, factory);
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
