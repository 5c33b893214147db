/**
 * The driver that opens SQLite databases: `node:sqlite` where the runtime has it, else the package with the same API.
 */
import { createRequire, isBuiltin } from 'node:module';
import { ignoreErrors, PorticoError } from '../errors/index.js';

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

interface Driver {
  readonly DatabaseSync: new (path: string) => Database;
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

/** Loads it. Throws `PORTICO_SQLITE_MISSING`. */
export function loadDriver(): Driver {
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
