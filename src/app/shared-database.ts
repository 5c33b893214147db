/** The SQLite database that all apps of a process with the same configuration share. */
import { mkdirSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import { type Config, type Option, type OptionDeclarations, refuseOption, string } from '../config/index.js';
import { configOptions, isTrial, workerAssignment } from '../config/internal.js';
import { errorText } from '../errors/index.js';
import type { Awaitable } from '../service/index.js';
import { trialCopy } from '../sqlite/internal.js';
import type { FactoryContext } from './factory.js';

/** A user of a shared database: the context of a factory; or a manager's configuration and its `cleanupHost`. */
export type SharingContext = Pick<FactoryContext, 'config' | 'onClose'>;

/** Declares a `connection` option: `sqlite:///` and a file, or `sqlite://:memory:`. */
export function sqliteConnection(spec: { readonly default: string; readonly help?: string }): Option<string> {
  return string({
    regex: /^sqlite:\/\/(\/.+|:memory:)$/,
    help: 'SQLite database: sqlite:///file in state_path, sqlite:////file with an absolute path, or sqlite://:memory:.',
    ...spec,
  });
}

interface Opened<T> {
  readonly database: T;
  /** Deletes the copy of a trial. */
  readonly remove?: () => void;
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
 * Returns a function that gives each app, in its factory, the database of its service configuration; the manager of the API may call it
 * too. The first call opens it, and it is closed with its last user; if `open` throws, nothing is stored. Creates a missing folder,
 * accessible only to this user. A database in memory outlives its apps and reloads, so that an API that starts again finds its data; it is refused with
 * a `ConfigError` in a worker that is not alone, because other workers would not see it. In place of a file, a trial
 * (`ctx.isTrial`) gets a copy with the first rows of its tables, or `:memory:` if there is no file, so that a check neither makes nor migrates one.
 */
export function sharedDatabase<T extends { close(): void }>({
  group,
  options,
  open,
}: SharedDatabaseOptions<T>): (ctx: SharingContext) => T {
  const files = new WeakMap<Config, Opened<T> & { users: number }>();
  const trials: typeof files = new WeakMap();
  const memories = new WeakMap<object, T>();
  return (ctx) => {
    const { config } = ctx;
    const { connection } = config.group(group, options) as { readonly connection: string };
    const name = connection.replace(/^sqlite:\/\/\/?/, '');
    if (name === ':memory:') {
      refuseSeveralProcesses(config, group);
      // Never closed, because that would lose its data; the configuration of a reload has the same one.
      const database = memories.get(config.lineage) ?? open(name);
      memories.set(config.lineage, database);
      return database;
    }
    const serves = !isTrial();
    const known = serves ? files : trials;
    const used = known.get(config) ?? { ...opened(config, { group, name }, open, serves), users: 0 };
    known.set(config, used);
    used.users += 1;
    ctx.onClose(() => {
      used.users -= 1;
      if (used.users > 0) return;
      known.delete(config);
      used.database.close();
      used.remove?.();
    });
    return used.database;
  };
}

/** A file as the option `connection` of a group names it. */
interface NamedFile {
  readonly group: string;
  readonly name: string;
}

/** System errors of a path that this process may not write. */
const CLOSED: ReadonlySet<string | undefined> = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST']);

/** Names the option of a directory that cannot be made or written, in place of the system's error alone. */
function refusingPath<T>(config: Config, { group, name }: NamedFile, open: () => T): T {
  try {
    return open();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!CLOSED.has(code) && code !== 'PORTICO_SQLITE_OPEN') throw error;
    const [section, opt] = isAbsolute(name) ? [group, 'connection'] : ['DEFAULT', 'state_path'];
    const relative = isAbsolute(name) ? '' : `, or set another one: [${group}] connection is relative to it`;
    return refuseOption(config, {
      group: section,
      opt,
      message: `the database cannot be opened: ${errorText(error)}`,
      hint: `Its directory must be writable for this user${relative}.`,
    });
  }
}

/** Opens a file below `state_path`; for an app that does not serve a copy, which `remove` deletes. */
function opened<T>(config: Config, named: NamedFile, open: (path: string) => T, serves: boolean): Opened<T> {
  const { name } = named;
  const file = resolve(config.group('DEFAULT', configOptions, { partial: true }).statePath, name);
  if (serves) {
    return refusingPath(config, named, () => {
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      return { database: open(file) };
    });
  }
  const { path, remove } = trialCopy(file);
  try {
    return { database: open(path), remove };
  } catch (error) {
    remove();
    throw error;
  }
}

function refuseSeveralProcesses(config: Config, group: string): void {
  const worker = workerAssignment();
  const named = ['enabled_apis', 'enabled_services'].flatMap((opt) =>
    config.has('DEFAULT', opt) ? ((config.resolve('DEFAULT', opt).value ?? []) as string[]) : [],
  );
  // By default every API that has a section is enabled.
  const enabled = named.length > 0 ? named : config.listAllSections().filter((each) => each.startsWith('api:'));
  if (worker === undefined || (worker.workers === 1 && enabled.length <= 1)) return;
  refuseOption(config, {
    group,
    opt: 'connection',
    message: 'sqlite://:memory: works only with a single process, and there are several',
    hint: 'Use a file: sqlite:///data.db is relative to state_path.',
  });
}

// Things that a worker opens once, for its apps and managers: pools of connections, clients.

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
