/**
 * The SQLite driver: `node:sqlite` if the runtime has it, else a package with the same API.
 */
import { createRequire } from 'node:module';
import { PorticoError } from '../errors/index.js';
import { NO_SQLITE } from '../modules/index.js';

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
