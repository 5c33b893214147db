/**
 * A table of records that are JSON: for programs whose data has a shape in TypeScript and needs no columns.
 */
import { withCode } from '../errors/index.js';
import type { Database, Row } from './database.js';

/** A record with its number: counted up for each table, never used twice. */
export type Stored<R> = R & { readonly seq: number };

/** The records of one kind, each under a key, and with an owner (a project, a user) where it has one. */
export interface RecordTable<R> {
  get(key: string): Stored<R> | undefined;
  /** All of them, in the order of making. */
  list(): Stored<R>[];
  /** Those of one owner. Throws a `TypeError` for an owner that is no text: undefined is not "all". */
  listOf(owner: string): Stored<R>[];
  /** Throws when the key is taken: look before, in the same transaction. The owner is `''` by default. */
  insert(key: string, record: R, owner?: string): Stored<R>;
  /** Gives the record back. Nothing happens where the key is unknown. */
  update<S extends R>(key: string, record: S): S;
  delete(key: string): void;
  /** Deletes all records of one owner. */
  deleteOf(owner: string): void;
}

/** Opens a table, and makes it where there is none. Throws a `TypeError` for a name that is not letters and `_`. */
export function recordTable<R extends object>(db: Database, name: string): RecordTable<R> {
  if (!/^[a-z_]+$/i.test(name))
    throw withCode(new TypeError(`recordTable: "${name}" is not a valid table name`), 'PORTICO_RECORD_TABLE');
  db.exec(`CREATE TABLE IF NOT EXISTS ${name} (seq INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT UNIQUE NOT NULL,
    owner TEXT NOT NULL, body TEXT NOT NULL)`);
  db.exec(`CREATE INDEX IF NOT EXISTS ${name}_owner ON ${name} (owner)`);
  const one = db.prepare(`SELECT seq, body FROM ${name} WHERE key = ?`);
  const all = db.prepare(`SELECT seq, body FROM ${name} ORDER BY seq`);
  const owned = db.prepare(`SELECT seq, body FROM ${name} WHERE owner = ? ORDER BY seq`);
  const insert = db.prepare(`INSERT INTO ${name} (key, owner, body) VALUES (?, ?, ?)`);
  const update = db.prepare(`UPDATE ${name} SET body = ? WHERE key = ?`);
  const remove = db.prepare(`DELETE FROM ${name} WHERE key = ?`);
  const removeOwned = db.prepare(`DELETE FROM ${name} WHERE owner = ?`);
  // Assigned, not spread: on Node 20 each spread record gets its own hidden class, 300 bytes that only a full
  // collection frees (20,000 requests: 20 MiB).
  const revive = (row: Row): Stored<R> => {
    const record = JSON.parse(String(row.body)) as R & { seq: number };
    record.seq = Number(row.seq);
    return record;
  };
  return {
    get: (key) => {
      const row = one.get(key);
      return row === undefined ? undefined : revive(row);
    },
    list: (...owner: unknown[]) => {
      // As it was called once, with all as the answer for an owner that is unknown.
      if (owner.length > 0)
        throw withCode(
          new TypeError(`list() returns the records of all owners: use listOf() for one owner`),
          'PORTICO_RECORD_TABLE',
        );
      return all.all().map(revive);
    },
    listOf: (owner) => {
      if (typeof owner !== 'string')
        throw withCode(new TypeError(`listOf() needs an owner, not ${String(owner)}`), 'PORTICO_RECORD_TABLE');
      return owned.all(owner).map(revive);
    },
    insert: (key, record, owner = '') => {
      return { ...record, seq: Number(insert.run(key, owner, JSON.stringify(record)).lastInsertRowid) };
    },
    update: (key, record) => {
      update.run(JSON.stringify(record), key);
      return record;
    },
    delete: (key) => void remove.run(key),
    deleteOf: (owner) => void removeOwned.run(owner),
  };
}
