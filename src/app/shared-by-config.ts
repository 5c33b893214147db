/** Objects shared by all apps of a process with the same configuration: a store, a connection pool, an SQLite database. */
import { mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Config, type Option, type OptionDeclarations, refuseOption, string } from '../config/index.js';
import { configOptions, workerAssignment } from '../config/internal.js';
import type { FactoryContext } from './factory.js';

/** A user of a shared object: the context of a factory; or a manager's configuration and its `cleanupHost`. */
export type SharingContext = Pick<FactoryContext, 'config' | 'onClose'>;

/** Functions that open and close the object. */
export interface SharedOptions<T> {
  /** Opens the object for its first user. */
  readonly open: (ctx: SharingContext) => T;
  /** Closes the object when its last user is closed. */
  readonly close: (thing: T) => void;
  /** Reports whether an object outlives its last user, because closing would lose its data. Default: false. */
  readonly keep?: (thing: T) => boolean;
}

/**
 * Returns a function that gives each app, in its factory, the object of its service configuration: the first call opens it, and it is
 * closed with its last user. The manager of the API may call it too. If `open` throws, nothing is stored.
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

/** Declares a `connection` option: `sqlite:///` and a file, or `sqlite://:memory:`. */
export function sqliteConnection(spec: { readonly default: string; readonly help?: string }): Option<string> {
  return string({
    regex: /^sqlite:\/\/(\/.+|:memory:)$/,
    help: 'The SQLite database: sqlite:///file relative to state_path, sqlite:////file with an absolute path, or sqlite://:memory:.',
    ...spec,
  });
}

/** The option for the database, and the function that opens it. */
export interface SharedDatabaseOptions<T> {
  /** The section of the configuration that sets the database. */
  readonly group: string;
  /** The options of the group, with `connection` from {@link sqliteConnection}. */
  readonly options: OptionDeclarations;
  /** Opens a file, or `:memory:`. */
  readonly open: (path: string) => T;
}

/**
 * Returns a function that gives each app the database of its configuration, like `sharedByConfig`. Creates a missing folder, accessible
 * only to this user. A database in memory outlives its apps, so that an API that starts again finds its data; it is refused with a
 * `ConfigError` in a worker that is not alone, because other workers would not see it.
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
