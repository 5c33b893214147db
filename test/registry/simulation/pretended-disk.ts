/** A disk with one SQLite database, which the processes of a machine open: it may be full, locked, or away. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type Database, loadDriver, type SqlValue } from '../../../dist/sqlite/database.js';
import type { DatabaseWorld } from './pretended-postgresql.js';

const driver = loadDriver() as { DatabaseSync: new (path: string) => Database };
const { DatabaseSync } = driver;

/** Returns a real database in memory. */
export function openMemory(): Database {
  return new DatabaseSync(':memory:');
}

/** In the place of the driver's class: a connection of a process, which the name of its file says, to the database of all. */
export class PretendedDisk implements Database {
  static world: DatabaseWorld;
  static database: Database;

  readonly #world = PretendedDisk.world;
  readonly #database = PretendedDisk.database;
  readonly #host: string;
  /** Statements of a transaction that is not over. */
  #open: (() => void)[] | undefined;

  constructor(path: string) {
    this.#host = basename(path, '.db');
    if (this.#world.trouble === 'refuses') throw new Error('unable to open database file');
    // The store looks at its file.
    if (statSync(path).size === 0) writeFileSync(path, 'SQLite format 3\0');
  }

  exec(sql: string): void {
    const { trouble } = this.#world;
    if (sql.startsWith('PRAGMA')) return;
    if (sql === 'BEGIN IMMEDIATE' && trouble === 'silent') throw new Error('database is locked');
    if (sql === 'COMMIT' && this.#open?.length !== 0) this.#fail(0.5);
    this.#database.exec(sql);
    const done = this.#open ?? [];
    if (sql === 'COMMIT') for (const tell of done) tell();
    if (sql === 'BEGIN IMMEDIATE') this.#open = [];
    else if (sql === 'COMMIT' || sql === 'ROLLBACK') this.#open = undefined;
  }

  prepare(sql: string): ReturnType<Database['prepare']> {
    const isWrite = /^(INSERT|UPDATE|DELETE)/.test(sql);
    const statement = this.#database.prepare(sql);
    const all = (...values: SqlValue[]): Record<string, SqlValue>[] => {
      if (isWrite) this.#fail(this.#open === undefined ? 1 : 0.5);
      if (this.#world.trouble === 'refuses') throw new Error('disk I/O error');
      const rows = statement.all(...values);
      const tell = (): void => this.#world.done(this.#host, sql, values, rows);
      if (this.#open === undefined) tell();
      else if (isWrite) this.#open.push(tell);
      return rows;
    };
    return { all, get: (...values) => all(...values)[0], run: (...values) => statement.run(...values) };
  }

  close(): void {}

  /** A full disk is noticed by a write, or only when its transaction ends. */
  #fail(share: number): void {
    const { trouble } = this.#world;
    if (trouble === 'full' && this.#world.chance(share)) throw new Error('database or disk is full');
    if (trouble === 'silent') throw new Error('database is locked');
    if (trouble === 'resets' && this.#world.chance(0.2)) throw new Error('database is locked');
  }
}

// The package has its class as a getter, Node as a property.
if (!Reflect.set(driver, 'DatabaseSync', PretendedDisk)) {
  const require = createRequire(import.meta.url);
  require.cache[require.resolve('@photostructure/sqlite')]!.exports = { DatabaseSync: PretendedDisk };
}

/** A directory in which each process has a file of its name. */
export class Folder {
  readonly #path = mkdtempSync(join(tmpdir(), 'portico-disk-'));

  file(process: string): string {
    return join(this.#path, `${process}.db`);
  }

  remove(): void {
    rmSync(this.#path, { recursive: true });
  }
}
