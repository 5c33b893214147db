/**
 * Service records in SQLite: for the processes of one machine.
 */
import { mkdirSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { ConfigurationRefused } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import { type Database, openDatabase, type SqlValue, transaction } from '../sqlite/index.js';
import { pause } from '../tasks/internal.js';
import { refuseOtherTables, SQLITE_STEPS } from './schema.js';
import { type DatabaseOption, RegistryUnavailable, type ServiceStore } from './service-store.js';
import { type Row, type Sql, SqlStore } from './sql-store.js';

/** How a store in SQLite is opened. */
export interface SqliteStoreOptions {
  /** Warned when a statement holds up the event loop for more than 50 ms. */
  readonly log?: Logger;
  /** How long a statement waits for another process's write, in milliseconds; the event loop goes on. Default 5000. */
  readonly busyTimeoutMs?: number;
  /** Make the file's folder where there is none. Default false: a folder that is missing may be one that is not mounted. */
  readonly makeFolder?: boolean;
  /** Milliseconds since 1970. SQLite is one machine, so its clock is the database's. Default: `Date.now`. */
  readonly now?: () => number;
  /** The option that names the database, for errors. */
  readonly option?: DatabaseOption;
}

/** Longer than this and every request of the worker has waited for it. */
const SLOW_MS = 50;

/** SQLite itself waits so long for a lock, and holds up the event loop; then one tries again, after a pause. */
const BUSY_MS = 10;
const BUSY_PAUSE_MS = 25;

/** File systems on which SQLite's locks do not hold (statfs(2)): NFS, SMB, CIFS, SMB2, AFS, Ceph. */
const NETWORK_FILE_SYSTEMS: ReadonlySet<number> = new Set([
  0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x5346414f, 0x00c36400,
]);

/** Opened on first use, and again after the database was away. */
export class SqliteStore extends SqlStore {
  protected readonly uuid = 'uuid';
  /** Both are one transaction, which sees the same rows. */
  protected readonly ifFirst = '';
  protected readonly byBytes = '';
  readonly #path: string;
  readonly #options: SqliteStoreOptions;
  readonly #now: () => number;
  #database: Database | undefined;
  /** Of the file that was opened first; it is not made anew when it is gone. */
  #inode: number | undefined;

  /** Opens nothing yet. */
  constructor(path: string, options: SqliteStoreOptions = {}) {
    super();
    this.#path = path;
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  override async now(): Promise<Date> {
    return new Date(this.#now());
  }

  protected query(...sql: Sql): Promise<Row[]> {
    return this.#use((database) => run(database, sql));
  }

  protected both(first: Sql, second: Sql): Promise<Row | undefined> {
    return this.#use((database) =>
      transaction(database, () => {
        const [row] = run(database, first);
        run(database, second);
        return row;
      }),
    );
  }

  protected time(afterSeconds = 0): string {
    // SQLite has no word for infinity, and takes a number that is too large for it.
    return String(this.#now() + afterSeconds * 1000).replace('Infinity', '9e999');
  }

  protected isTaken(error: unknown): boolean {
    return /UNIQUE constraint failed/.test((error as Error).message);
  }

  async close(): Promise<void> {
    this.#database?.close();
    this.#database = undefined;
  }

  /** Runs statements; while another process has the database locked they are tried again. */
  async #use<T>(work: (database: Database) => T): Promise<T> {
    const until = performance.now() + (this.#options.busyTimeoutMs ?? 5000);
    for (;;) {
      try {
        return this.#attempt(work);
      } catch (error) {
        if (!isLocked(error) || performance.now() >= until) throw error;
      }
      await pause(BUSY_PAUSE_MS);
    }
  }

  /** Errors that mean the database is away become `RegistryUnavailable`, and it is opened anew. */
  #attempt<T>(work: (database: Database) => T): T {
    let began = performance.now();
    try {
      this.#checkFile();
      if (this.#database === undefined) {
        this.#database = this.#open();
        began = performance.now();
      }
      return work(this.#database);
    } catch (error) {
      if (error instanceof RegistryUnavailable || !isAway(error)) throw error;
      if (isLocked(error)) throw new RegistryUnavailable(error, this.#options.option);
      try {
        this.#database?.close();
      } catch {
        // It was closed by what went wrong.
      }
      this.#database = undefined;
      throw new RegistryUnavailable(error, this.#options.option);
    } finally {
      const took = performance.now() - began;
      if (took > SLOW_MS)
        this.#options.log?.warn(`the service registry blocked the event loop for ${Math.round(took)} ms`);
    }
  }

  /** A file that was moved away or replaced: SQLite would go on in one that no other process sees. */
  #checkFile(): void {
    if (this.#path === ':memory:' || this.#inode === undefined) return;
    const inode = statSync(this.#path, { throwIfNoEntry: false })?.ino;
    if (inode === this.#inode) return;
    if (inode === undefined) {
      throw new RegistryUnavailable(new Error(`the file ${this.#path} is gone`), this.#options.option);
    }
    this.#database?.close();
    this.#database = undefined;
  }

  #open(): Database {
    const { busyTimeoutMs = BUSY_MS, makeFolder } = this.#options;
    if (makeFolder === true) mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
    if (this.#path !== ':memory:') refuseNetworkFileSystem(this.#path);
    const database = openDatabase(this.#path, { busyTimeoutMs: Math.min(busyTimeoutMs, BUSY_MS) });
    try {
      migrate(database, this.#options.option);
      if (this.#path !== ':memory:') this.#inode = statSync(this.#path).ino;
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  }
}

/** A store whose records end with the process. */
export type MemoryStore = ServiceStore;

/**
 * Records that end with the process, in a database without a file: for tests and for programs that are one process. `now`:
 * milliseconds since 1970; default `Date.now`. `close()` keeps the records, for the services of a process share them.
 */
export const MemoryStore: new (options?: { readonly now?: () => number }) => ServiceStore =
  class MemoryStore extends SqliteStore {
    constructor(options: { readonly now?: () => number } = {}) {
      super(':memory:', options);
    }

    override async close(): Promise<void> {}
  };

/** Times as milliseconds since 1970 UTC, booleans as 0 and 1. */
function run(database: Database, [sql, ...values]: Sql): Row[] {
  const known = values.map((value) =>
    value instanceof Date ? value.getTime() : typeof value === 'boolean' ? Number(value) : (value as SqlValue),
  );
  return database.prepare(sql).all(...known);
}

/** Brings the tables up to date. Safe from several processes at once: the first takes the steps, the others find them taken. */
function migrate(database: Database, option: DatabaseOption | undefined): void {
  transaction(database, () => {
    database.exec(
      'CREATE TABLE IF NOT EXISTS registry_migrations (step INTEGER PRIMARY KEY, taken_at INTEGER NOT NULL)',
    );
    const taken = Number(database.prepare('SELECT max(step) AS step FROM registry_migrations').get()?.step ?? 0);
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    refuseOtherTables(
      tables.map(({ name }) => name),
      taken,
      option,
    );
    const note = database.prepare('INSERT INTO registry_migrations (step, taken_at) VALUES (?, ?)');
    for (const [index, sql] of SQLITE_STEPS.entries()) {
      if (index < taken) continue;
      database.exec(sql);
      note.run(index + 1, Date.now());
    }
  });
}

/** Another process writes: the database is there, and will soon be free. */
function isLocked(error: unknown): boolean {
  return error instanceof Error && /database( table)? is (locked|busy)/i.test(error.message);
}

/** By SQLite's words: result codes are not in the errors of every driver. */
function isAway(error: unknown): boolean {
  if ((error as { code?: unknown }).code === 'PORTICO_SQLITE_OPEN') return true;
  const message = error instanceof Error ? error.message : '';
  return /locked|busy|unable to open|disk I\/O|readonly database|no such table|malformed|not a database|disk is full|not open/i.test(
    message,
  );
}

function refuseNetworkFileSystem(path: string): void {
  let type: number;
  try {
    type = Number(statfsSync(dirname(path)).type);
  } catch {
    // No such folder: opening the database says so better.
    return;
  }
  if (!NETWORK_FILE_SYSTEMS.has(type)) return;
  throw new ConfigurationRefused('PORTICO_REGISTRY_NETWORK_FILE_SYSTEM', {
    message: `the service registry ${path} is on a network file system, where SQLite's locks are unreliable`,
    hint: 'Use a local directory, or PostgreSQL for several machines.',
  });
}
