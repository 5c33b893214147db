/** Things that a worker opens once, for its apps and managers: pools of connections, clients. */
import type { Config } from '../config/index.js';
import type { Awaitable } from '../service/index.js';

/** A user of a shared thing: the context of a factory, or of a manager. */
export interface Sharer {
  readonly config: Config;
  onClose(release: () => Awaitable<void>): void;
}

/** Uses of one thing. */
interface Shared<T> {
  readonly opened: Promise<T>;
  users: number;
}

/**
 * Declares a thing that is opened once for a configuration, by its first user, and closed with its last one: `const pool = shared((config)
 * => new Pool(…), (pool) => pool.end())`, then `await pool(ctx)` in factories and managers. If it cannot be opened, the next user tries
 * again.
 */
export function shared<T>(
  open: (config: Config) => Awaitable<T>,
  close: (thing: T) => unknown,
): (user: Sharer) => Promise<T> {
  const things = new WeakMap<Config, Shared<T>>();
  return async ({ config, onClose }) => {
    const thing = things.get(config) ?? { opened: (async () => open(config))(), users: 0 };
    things.set(config, thing);
    thing.users += 1;
    // Before the wait: a user may be released while it is opened.
    onClose(async () => {
      thing.users -= 1;
      if (thing.users > 0) return;
      if (things.get(config) === thing) things.delete(config);
      await thing.opened.then(close, () => undefined);
    });
    try {
      return await thing.opened;
    } catch (error) {
      if (things.get(config) === thing) things.delete(config);
      throw error;
    }
  };
}
