/**
 * Service records in SQLite: for the processes of one machine.
 */
import { closeSync, mkdirSync, openSync, readSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { ConfigurationRefused, type Logger, type ServiceStore } from 'portico/extension';
import { type Database, openDatabase, type SqlValue, transaction } from 'portico/sqlite';
import { pause } from 'portico/tasks';
import { refuseOtherTables, SQLITE_STEPS } from './schema.js';
import { type DatabaseOption, RegistryUnavailable } from './service-store.js';
import { type Row, type Sql, SqlStore } from './sql-store.js';

/** Options of a store in SQLite. */
export interface SqliteStoreOptions {
  /** Log of a warning if a statement blocks the event loop for more than 50 ms. */
  readonly log?: Logger;
  /**
   * Time for which a statement waits for another process's write, in milliseconds, without blocking the event loop.
   * Default 5000.
   */
  readonly busyTimeoutMs?: number;
  /** Create the file's folder if it is missing. Default false: a missing folder may be one that is not mounted. */
  readonly makeFolder?: boolean;
  /**
   * Clock in milliseconds since 1970. SQLite serves one machine, so its clock is the database's. Default: `Date.now`.
   */
  readonly now?: () => number;
  /** Option that names the database, for errors. */
  readonly option?: DatabaseOption;
}

/** Above this time, every request of the worker has waited for the statement. */
const SLOW_MS = 50;

/** First bytes of each database (https://www.sqlite.org/fileformat.html#magic_header_string). */
const HEADER = Buffer.from('SQLite format 3\0');

/** Time that SQLite itself waits for a lock, and blocks the event loop; then the statement is retried after a pause. */
const BUSY_MS = 10;
const BUSY_PAUSE_MS = 25;

/** File systems on which SQLite's locks do not work (statfs(2)): NFS, SMB, CIFS, SMB2, AFS, Ceph. */
const NETWORK_FILE_SYSTEMS: ReadonlySet<number> = new Set([
  0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x5346414f, 0x00c36400,
]);

/** Opened on first use, and again after the database was not available. */
export class SqliteStore extends SqlStore {
  protected readonly uuid = 'uuid';
  /** Both statements are one transaction, which sees the same rows. */
  protected readonly ifFirst = '';
  protected readonly byBytes = '';
  readonly #path: string;
  readonly #options: SqliteStoreOptions;
  readonly #now: () => number;
  #database: Database | undefined;
  /** Inode of the file that was opened first; a file that is gone is not created again. */
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
    // SQLite has no literal for infinity, but accepts a number that is too large.
    return String(this.#now() + afterSeconds * 1000).replace('Infinity', '9e999');
  }

  protected secondsSince(time: string): string {
    return `((${this.time()} - ${time}) / 1000.0)`;
  }

  protected isTaken(error: unknown): boolean {
    return /UNIQUE constraint failed/.test((error as Error).message);
  }

  async close(): Promise<void> {
    this.#database?.close();
    this.#database = undefined;
  }

  /** Runs statements; while another process holds a lock they are retried. */
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

  /** Turns errors that mean that the database is not available into `RegistryUnavailable`, and opens it again. */
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
        // The failure has closed it.
      }
      this.#database = undefined;
      throw new RegistryUnavailable(error, this.#options.option);
    } finally {
      const took = performance.now() - began;
      if (took > SLOW_MS)
        this.#options.log?.warn(`the service registry blocked the event loop for ${Math.round(took)} ms`);
    }
  }

  /** Detects a file that was moved or replaced: SQLite would continue in one that no other process sees. */
  #checkFile(): void {
    if (this.#path === ':memory:' || this.#inode === undefined) return;
    const inode = statSync(this.#path, { throwIfNoEntry: false })?.ino;
    if (inode === this.#inode) {
      this.#checkHeader();
      return;
    }
    if (inode === undefined) {
      throw new RegistryUnavailable(new Error(`the file ${this.#path} is gone`), this.#options.option);
    }
    this.#database?.close();
    this.#database = undefined;
  }

  /** Detects a file that was overwritten: SQLite has its pages in memory, and would go on until others find nothing. */
  #checkHeader(): void {
    const file = openSync(this.#path, 'r');
    try {
      const bytes = Buffer.alloc(HEADER.length);
      readSync(file, bytes, 0, bytes.length, 0);
      if (bytes.equals(HEADER)) return;
    } finally {
      closeSync(file);
    }
    const damaged = new Error(`the file ${this.#path} is damaged: it is not a database any more`);
    throw new RegistryUnavailable(damaged, this.#options.option);
  }

  #open(): Database {
    const { busyTimeoutMs = BUSY_MS, makeFolder } = this.#options;
    if (makeFolder === true) mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
    if (this.#path !== ':memory:') refuseNetworkFileSystem(this.#path);
    const database = openDatabase(this.#path, { busyTimeoutMs: Math.min(busyTimeoutMs, BUSY_MS) });
    try {
      // Heartbeats come again after a power loss, and the event loop does not wait for the disk.
      database.exec('PRAGMA synchronous = NORMAL');
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
 * Records that end with the process, in a database without a file: for tests and for applications with one process. `now`:
 * milliseconds since 1970; default `Date.now`. `close()` keeps the records, because the services of a process share
 * them.
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

/**
 * Migrates the tables. Safe from several processes at once: the first one runs the steps, the others find them done.
 */
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

/** Returns true if another process writes: the database is present, and will soon be free. */
function isLocked(error: unknown): boolean {
  return error instanceof Error && /database( table)? is (locked|busy)/i.test(error.message);
}

/** Compares SQLite's messages: the errors of some drivers have no result codes. */
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
    // The folder is missing: opening the database reports that better.
    return;
  }
  if (!NETWORK_FILE_SYSTEMS.has(type)) return;
  throw new ConfigurationRefused('PORTICO_REGISTRY_NETWORK_FILE_SYSTEM', {
    message: `the service registry ${path} is on a network file system, where SQLite's locks are unreliable`,
    hint: 'Use a local directory, or PostgreSQL for several machines.',
  });
}
