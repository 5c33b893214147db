/**
 * One thing for all apps of a process that have the same configuration: a store, a pool of connections, an SQLite database.
 */
import { mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Config, type Option, type OptionDeclarations, refuseOption, string } from '../config/index.js';
import { configOptions, workerAssignment } from '../config/internal.js';
import type { FactoryContext } from './factory.js';

/** User of a shared thing: a factory's context is one; a manager makes one of its configuration and of its `cleanupHost`. */
export type SharingContext = Pick<FactoryContext, 'config' | 'onClose'>;

/** How the thing is opened and closed. */
export interface SharedOptions<T> {
  /** Makes the thing, for the first app that asks. */
  readonly open: (ctx: SharingContext) => T;
  /** Ends the thing, when the last app that has it is closed. */
  readonly close: (thing: T) => void;
  /** Whether a thing outlives its last user, because closing would lose it. Default: none does. */
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

/** Declares a `connection`: `sqlite:///` and a file, or `sqlite://:memory:`. */
export function sqliteConnection(spec: { readonly default: string; readonly help?: string }): Option<string> {
  return string({
    regex: /^sqlite:\/\/(\/.+|:memory:)$/,
    help: 'The SQLite database: sqlite:///file relative to state_path, sqlite:////file with an absolute path, or sqlite://:memory:.',
    ...spec,
  });
}

/** The option that names the database, and the function that opens it. */
export interface SharedDatabaseOptions<T> {
  /** The section of the configuration that names the database. */
  readonly group: string;
  /** The group's options; `connection`, of {@link sqliteConnection}, is among them. */
  readonly options: OptionDeclarations;
  /** Opens a file, or `:memory:`. */
  readonly open: (path: string) => T;
}

/**
 * Gives each app that asks the database of its configuration, as `sharedByConfig`. The folder is made where there is
 * none, for this user alone. One in memory outlives its apps, so that an API that starts again finds what was there; it is refused in a worker
 * that is not alone, because its siblings would not see it (a `ConfigError`).
 */
export function sharedDatabase<T extends { close(): void }>(
  shared: SharedDatabaseOptions<T>,
): (ctx: SharingContext) => T {
  const { group, options, open } = shared;
  const inMemory = new WeakSet<T>();
  return sharedByConfig({
    open: ({ config }) => {
      const { connection } = config.group(group, options) as { readonly connection: string };
      const name = connection.replace(/^sqlite:\/\/\/?/, '');
      if (name === ':memory:') {
        refuseSeveralProcesses(config, group);
        const database = open(name);
        inMemory.add(database);
        return database;
      }
      const file = resolve(config.group('DEFAULT', configOptions, { partial: true }).statePath, name);
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      return open(file);
    },
    close: (database) => database.close(),
    keep: (database) => inMemory.has(database),
  });
}

function refuseSeveralProcesses(config: Config, group: string): void {
  const worker = workerAssignment();
  const enabled = ['enabled_apis', 'enabled_services'].flatMap((opt) =>
    config.has('DEFAULT', opt) ? (config.resolve('DEFAULT', opt).value as string[]) : [],
  );
  if (worker === undefined || (worker.workers === 1 && enabled.length === 1)) return;
  refuseOption(config, {
    group,
    opt: 'connection',
    message: 'sqlite://:memory: works only with a single process, and there are several',
    hint: 'Use a file: sqlite:///data.db is relative to state_path.',
  });
}
