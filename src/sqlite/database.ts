/** Opens SQLite databases with any driver: `node:sqlite` if the runtime has it, else a package with the same API. */

import { chmodSync, closeSync, existsSync, lstatSync, openSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import querystring from 'node:querystring';
import { PorticoError, withCode } from '../errors/index.js';
import { NO_SQLITE } from '../modules/index.js';
import { refuseForeignLink } from '../process/index.js';

/** Values that SQLite stores. */
export type SqlValue = null | number | bigint | string | Uint8Array;

/** A row: values by column name. */
export type Row = Record<string, SqlValue>;

/** A prepared statement; parameters replace `?` in order. */
export interface Statement {
  run(...parameters: SqlValue[]): { readonly changes: number | bigint; readonly lastInsertRowid: number | bigint };
  get(...parameters: SqlValue[]): Row | undefined;
  all(...parameters: SqlValue[]): Row[];
}

/** An open database. Synchronous, because a statement takes a few microseconds on a local disk. */
export interface Database {
  /** Runs statements without parameters and results. */
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

interface Driver {
  readonly DatabaseSync: new (path: string) => Database;
}

/** Loads the driver. Throws `PORTICO_SQLITE_MISSING`. */
export function loadDriver(): Driver {
  const require = createRequire(import.meta.url);
  try {
    return withoutExperimentalWarning(() => require('node:sqlite') as Driver);
  } catch (builtIn) {
    try {
      return require('@photostructure/sqlite') as Driver;
    } catch (error) {
      throw new PorticoError('PORTICO_SQLITE_MISSING', { ...NO_SQLITE, cause: new AggregateError([builtIn, error]) });
    }
  }
}

/** Suppresses the warning of Node 22 that node:sqlite is experimental, which would appear at every start of every worker. */
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

/** Options of {@link openDatabase}. */
export interface DatabaseOptions {
  /** Milliseconds that a statement waits while another process writes. Default 5000. */
  readonly busyTimeoutMs?: number;
}

/**
 * Opens a database and creates a missing file; `:memory:` opens a database for this connection only. The path may be a URI,
 * `file:/var/lib/app.db?mode=rw` (https://www.sqlite.org/uri.html), if the driver accepts URIs. Readers do not wait for a writer
 * (write-ahead log), foreign keys are enforced, and what is written is on the disk (`synchronous = FULL`). The file, its log and its index are accessible to this user only (0600); wider modes
 * of this user's files are tightened. Throws `PORTICO_SQLITE_OPEN`, naming the path, also for a symbolic link created by another user.
 */
export function openDatabase(path: string, options: DatabaseOptions = {}): Database {
  const { DatabaseSync } = loadDriver();
  let database: Database | undefined;
  try {
    const { file, mayCreate } = fileOf(path);
    if (file !== ':memory:' && file !== '') keepToUser(file, mayCreate);
    database = new DatabaseSync(path);
    const busyTimeoutMs = Math.trunc(options.busyTimeoutMs ?? 5000);
    // Set before the log is turned on: without it, one of several processes that start together may find the database locked.
    database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    turnOnLog(database, performance.now() + busyTimeoutMs);
    // The driver of Node 20 has another default, with which a power loss takes the last transactions.
    database.exec('PRAGMA synchronous = FULL');
    database.exec('PRAGMA foreign_keys = on');
    return keptByStatements(database);
  } catch (error) {
    database?.close();
    throw cannotOpen(path, error);
  }
}

/** Returns the error of a database that cannot be opened, with its path. */
export function cannotOpen(path: string, error: unknown): PorticoError {
  const folder = dirname(fileOf(path).file);
  const why = existsSync(folder) ? (error as Error).message : `there is no folder ${folder}`;
  return new PorticoError('PORTICO_SQLITE_OPEN', {
    message: `cannot open the database ${path}: ${why}`,
    hint: 'Its folder must exist and be writable, and the file must be an SQLite database.',
    cause: error,
  });
}

/** Makes the statements of a database keep it, and its file whole once it is closed. */
function keptByStatements(database: Database): Database {
  const prepare = database.prepare.bind(database);
  const close = database.close.bind(database);
  // Defined, because a driver's methods are not writable.
  return Object.defineProperties(database, {
    prepare: { value: (sql: string) => keeping(committed(prepare(sql), sql), database) },
    close: {
      value: () => {
        moveLog(database);
        close();
      },
    },
  });
}

/**
 * Moves the log into the file of a database that will be closed, unless another process uses it. The package leaves this to its last
 * statement, which the collector frees, and a process that ends frees none: the last commits would be in the log alone, and missing in a
 * copy of the file. Can go with Node 20, because `node:sqlite` frees the statements when it closes.
 */
function moveLog(database: Database): void {
  try {
    database.exec('PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE)');
  } catch {
    // It is closed already, or cannot be written: closing says so.
  }
}

/** Matches statements that write and return rows, also behind comments and `WITH`; of those that only read, some with `WITH` and the word. */
const WRITES_AND_RETURNS =
  /^(?:\s|--[^\n]*\n|\/\*(?:[^*]|\*(?!\/))*\*\/)*(?:with\b.*\b)?(?:insert|replace|update|delete)\b.*\breturning\b/is;

/**
 * Makes `get` of a statement that returns what it writes read to its end. Drivers stop after the first row: the transaction is committed as the
 * statement is reset, and they drop the error of that commit, so that a row on a full disk is returned, and lost.
 */
function committed(statement: Statement, sql: string): Statement {
  if (!WRITES_AND_RETURNS.test(sql)) return statement;
  return Object.defineProperty(statement, 'get', {
    value: (...parameters: SqlValue[]) => statement.all(...parameters)[0],
  });
}

/** Property of a statement: the database that it reads. */
const OF = Symbol('database');

/**
 * Makes a statement keep its database. Those of the package point to a database that the collector may free below them: errors at first,
 * then a crash. Can go with Node 20, because those of `node:sqlite` keep theirs.
 */
export function keeping(statement: Statement, database: Database): Statement {
  return Object.defineProperty(statement, OF, { value: database });
}

/** Returns the file that SQLite opens for a path or URI; an empty one for a database in memory. */
function fileOf(path: string): { readonly file: string; readonly mayCreate: boolean } {
  const uri = /^file:(?:\/\/[^/]*)?([^?#]*)(?:\?([^#]*))?/.exec(path);
  if (uri === null) return { file: path, mayCreate: true };
  const query = new URLSearchParams(uri[2]);
  const modes = query.getAll('mode');
  const inMemory = modes.includes('memory') || query.get('vfs') === 'memdb';
  return { file: inMemory ? '' : querystring.unescape(uri[1]!), mayCreate: modes.every((mode) => mode === 'rwc') };
}

/**
 * Restricts the files to this user: SQLite creates them with the mode that the umask allows; log and index get the mode of the database.
 */
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
    // Another process was first, or the file cannot be created, which SQLite also reports.
    if ((error as NodeJS.ErrnoException).code === 'EEXIST' && lstatSync(path).isSymbolicLink()) throw error;
  }
}

/**
 * Turns on the write-ahead log. If two processes do this at the same time, each may hold a lock that the other needs; SQLite then fails
 * one of them at once, despite the timeout, so it is retried.
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
 * Runs `work` as one transaction and returns its result; if it throws, the transaction is rolled back. Takes the write lock at once
 * (`BEGIN IMMEDIATE`), so that two writers wait for each other instead of failing halfway. `work` must be synchronous: otherwise other
 * code would write inside its transaction.
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
 * Runs `work`, which only reads, on one consistent view of the database: concurrent writes are not visible, and writers do not wait.
 * `work` must be synchronous.
 */
export function snapshot<T>(database: Database, work: (database: Database) => T): T {
  database.exec('BEGIN');
  try {
    return work(database);
  } finally {
    rollBack(database);
  }
}

/** Rolls back. Ignores failures, because some errors have already ended the transaction, and the original error matters more. */
function rollBack(database: Database): void {
  try {
    database.exec('ROLLBACK');
  } catch {
    // Nothing is left to roll back.
  }
}
