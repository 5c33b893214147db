/**
 * One way to open an SQLite database: `node:sqlite` where the runtime has it, else the package with the same API.
 */
import { chmodSync, closeSync, existsSync, lstatSync, openSync, statSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import querystring from 'node:querystring';
import { ignoreErrors, PorticoError, withCode } from '../errors/index.js';
import { refuseForeignLink } from '../process/index.js';

/** Values that SQLite stores. */
export type SqlValue = null | number | bigint | string | Uint8Array;

/** One row: columns by name. */
export type Row = Record<string, SqlValue>;

/** A prepared statement; parameters stand for `?` in order. */
export interface Statement {
  run(...parameters: SqlValue[]): { readonly changes: number | bigint; readonly lastInsertRowid: number | bigint };
  get(...parameters: SqlValue[]): Row | undefined;
  all(...parameters: SqlValue[]): Row[];
}

/** An open database. Synchronous: one statement is a few microseconds of local disk. */
export interface Database {
  /** Runs statements without parameters and without results. */
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

/** How a database is opened. */
export interface DatabaseOptions {
  /** How long a statement waits while another process writes, in milliseconds. Default 5000. */
  readonly busyTimeoutMs?: number;
}

interface Driver {
  readonly DatabaseSync: new (path: string) => Database;
}

/**
 * Opens a database, creating the file where there is none; `:memory:` is one of this connection alone. The path may be a URI,
 * `file:/var/lib/app.db?mode=rw` (https://www.sqlite.org/uri.html), where the driver takes URIs. Readers do not wait
 * for a writer (write-ahead log), foreign keys hold. The file is this user's alone (0600), and so are its log and index; one
 * of this user that others may open is tightened. Throws `PORTICO_SQLITE_OPEN`, naming the path, also for a link that
 * another user has put there.
 */
export function openDatabase(path: string, options: DatabaseOptions = {}): Database {
  const { DatabaseSync } = loadDriver();
  let database: Database | undefined;
  try {
    const { file, mayCreate } = fileOf(path);
    if (file !== ':memory:' && file !== '') keepToUser(file, mayCreate);
    database = new DatabaseSync(path);
    const busyTimeoutMs = Math.trunc(options.busyTimeoutMs ?? 5000);
    // Before the log is turned on: without a time-out some of several processes that start together find a lock taken.
    database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    turnOnLog(database, performance.now() + busyTimeoutMs);
    database.exec('PRAGMA foreign_keys = on');
    return database;
  } catch (error) {
    database?.close();
    throw new PorticoError('PORTICO_SQLITE_OPEN', {
      message: `cannot open the database ${path}: ${(error as Error).message}`,
      hint: 'Its directory must exist and be writable, and the file must be an SQLite database.',
      cause: error,
    });
  }
}

/** The file that SQLite opens for a path or a URI; an empty one for a database that is in memory. */
function fileOf(path: string): { readonly file: string; readonly mayCreate: boolean } {
  const uri = /^file:(?:\/\/[^/]*)?([^?#]*)(?:\?([^#]*))?/.exec(path);
  if (uri === null) return { file: path, mayCreate: true };
  const query = new URLSearchParams(uri[2]);
  const modes = query.getAll('mode');
  const inMemory = modes.includes('memory') || query.get('vfs') === 'memdb';
  return { file: inMemory ? '' : querystring.unescape(uri[1]!), mayCreate: modes.every((mode) => mode === 'rwc') };
}

/** SQLite makes its files as wide as the mask allows; the log and the index get the mode of the database. */
function keepToUser(path: string, mayCreate: boolean): void {
  const user = process.geteuid?.();
  // Windows has no modes.
  if (user === undefined) return;
  const link = lstatSync(path, { throwIfNoEntry: false });
  refuseForeignLink(path);
  if (mayCreate && !existsSync(path)) makeEmpty(path, link === undefined ? 'wx' : 'a');
  for (const file of [path, `${path}-wal`, `${path}-shm`, `${path}-journal`]) {
    const found = statSync(file, { throwIfNoEntry: false });
    if (found?.isFile() === true && found.uid === user && (found.mode & 0o077) !== 0)
      chmodSync(file, found.mode & 0o700);
  }
}

function makeEmpty(path: string, how: 'wx' | 'a'): void {
  try {
    closeSync(openSync(path, how, 0o600));
  } catch (error) {
    // Another process was first; or it cannot be made, which SQLite says as well.
    if ((error as NodeJS.ErrnoException).code === 'EEXIST' && lstatSync(path).isSymbolicLink()) throw error;
  }
}

/**
 * Turns on the write-ahead log. Of two processes that do so at once each may hold what the other waits for; SQLite then
 * fails one of them at once, whatever the time-out, so that one tries again.
 */
function turnOnLog(database: Database, until: number): void {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    try {
      database.exec('PRAGMA journal_mode = wal');
      return;
    } catch (error) {
      if (!/locked|busy/i.test((error as Error).message) || performance.now() > until) throw error;
      Atomics.wait(pause, 0, 0, 1 + Math.random() * 10);
    }
  }
}

/**
 * Runs `work` as one transaction and gives its result; when it throws, nothing of it is kept. The write lock is taken
 * at once (`BEGIN IMMEDIATE`), so that two writers wait for each other instead of failing half way. `work` must be
 * synchronous: other code would otherwise write inside its transaction.
 */
export function transaction<T>(database: Database, work: (database: Database) => T): T {
  database.exec('BEGIN IMMEDIATE');
  let result: T;
  try {
    result = work(database);
    if (result instanceof Promise)
      throw withCode(new TypeError('the work of a transaction must be synchronous'), 'PORTICO_SQLITE_TRANSACTION');
    database.exec('COMMIT');
  } catch (error) {
    rollBack(database);
    throw error;
  }
  return result;
}

/**
 * Runs `work`, which only reads, on one consistent view of the database: what others write meanwhile is not seen, and
 * writers do not wait. `work` must be synchronous.
 */
export function snapshot<T>(database: Database, work: (database: Database) => T): T {
  database.exec('BEGIN');
  try {
    return work(database);
  } finally {
    rollBack(database);
  }
}

/** Some errors have ended the transaction already; the error that led here matters more than that. */
function rollBack(database: Database): void {
  try {
    database.exec('ROLLBACK');
  } catch {
    // Nothing is left to roll back.
  }
}

const MISSING = {
  message: `this Node (${process.version}) has no SQLite, and the package @photostructure/sqlite is not installed`,
  hint: 'Run npm install @photostructure/sqlite@1.2, or use Node 22.13 or newer.',
};

/** Why no database can be opened here at all; undefined where there is a driver. Loads none. */
export function sqliteProblem(): { readonly message: string; readonly hint: string } | undefined {
  if (isBuiltin('node:sqlite')) return undefined;
  return ignoreErrors(() => createRequire(import.meta.url).resolve('@photostructure/sqlite')) === undefined
    ? MISSING
    : undefined;
}

function loadDriver(): Driver {
  const require = createRequire(import.meta.url);
  try {
    return withoutExperimentalWarning(() => require('node:sqlite') as Driver);
  } catch (builtIn) {
    try {
      return require('@photostructure/sqlite') as Driver;
    } catch (error) {
      throw new PorticoError('PORTICO_SQLITE_MISSING', { ...MISSING, cause: new AggregateError([builtIn, error]) });
    }
  }
}

/** Node 22 warns in every process that node:sqlite is new; every worker would say so at every start. */
function withoutExperimentalWarning<T>(load: () => T): T {
  const before = Object.getOwnPropertyDescriptor(process, 'emitWarning') ?? {};
  const emit = process.emitWarning.bind(process) as (...args: unknown[]) => void;
  const value = (warning: unknown, ...rest: unknown[]): void => {
    if (!/SQLite is an experimental feature/.test(String(warning))) emit(warning, ...rest);
  };
  Object.defineProperty(process, 'emitWarning', { ...before, value });
  try {
    return load();
  } finally {
    Object.defineProperty(process, 'emitWarning', before);
  }
}
