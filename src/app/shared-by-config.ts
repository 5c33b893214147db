/**
 * One thing for all apps of a process that have the same configuration: a store, a pool of connections.
 */
import type { Config } from '../config/index.js';
import type { FactoryContext } from './factory.js';

/** Who asks: a factory's context is one; a manager makes one of its configuration and of its `cleanupHost`. */
export type SharingContext = Pick<FactoryContext, 'config' | 'onClose'>;

/** How the thing is opened and closed. */
export interface SharedOptions<T> {
  /** Makes the thing, for the first app that asks. */
  readonly open: (ctx: SharingContext) => T;
  /** Ends the thing, when the last app that has it is closed. */
  readonly close: (thing: T) => void;
  /** What outlives its last user, because closing would lose it. Default: nothing. */
  readonly keep?: (thing: T) => boolean;
}

/**
 * Gives each app that asks, in its factory, the thing of its service configuration: the first opens it, and it is closed
 * with the last of them. The manager of the API may ask as well. An `open` that throws leaves nothing behind.
 */
export function sharedByConfig<T>({ open, close, keep = () => false }: SharedOptions<T>): (ctx: SharingContext) => T {
  const things = new WeakMap<Config, { readonly thing: T; users: number }>();
  return (ctx) => {
    const { config } = ctx;
    const used = things.get(config) ?? { thing: open(ctx), users: 0 };
    things.set(config, used);
    used.users += 1;
    ctx.onClose(() => {
      used.users -= 1;
      if (used.users > 0 || keep(used.thing)) return;
      things.delete(config);
      close(used.thing);
    });
    return used.thing;
  };
}
