/** The storage of both APIs: one SQLite file that all their workers share. */
import { openDatabase, transaction } from 'portico/sqlite';
import type { Kinds } from './records.js';
import { seed } from './seed.js';

type Database = ReturnType<typeof openDatabase>;

/** A record with its number: counted up for each kind, never used twice. */
export type Stored<R> = R & { readonly seq: number };

/** The records of one kind, each under a key, and with an owner (a project, a user, a server) where it has one. */
export interface Table<R> {
  get(key: string): Stored<R> | undefined;
  /** In the order of making; of one owner, or of all. */
  list(owner?: string): Stored<R>[];
  /** Throws when the key is taken: look before, in the same transaction. */
  insert(key: string, record: R, owner?: string): Stored<R>;
  /** Gives the record back. */
  update<S extends R>(key: string, record: S): S;
  delete(key: string): void;
}

/** Everything the sample knows. */
export type Cloud = { readonly [K in keyof Kinds]: Table<Kinds[K]> } & {
  /** One consistent view of the store; does not wait for writers. */
  read<T>(work: () => T): T;
  /** All of it or, when `work` throws, nothing. */
  write<T>(work: () => T): T;
  close(): void;
};

const KINDS = ['flavors', 'images', 'keyPairs', 'groups', 'services', 'aggregates', 'servers', 'actions'] as const;

/**
 * Opens a file, or `:memory:`. A new one is filled; an old one is not changed. Waits up to five seconds for the
 * transactions of other processes.
 */
export function openCloud(path: string): Cloud {
  const db = openDatabase(path, { busyTimeoutMs: 5000 });
  const read = <T>(work: () => T): T => {
    db.exec('BEGIN');
    try {
      return work();
    } finally {
      db.exec('COMMIT');
    }
  };
  const write = <T>(work: () => T): T => transaction(db, work);
  return write(() => {
    const tables = Object.fromEntries(KINDS.map((kind) => [kind, table(db, kind)]));
    const cloud = { ...tables, read, write, close: () => db.close() } as Cloud;
    if (db.prepare('PRAGMA user_version').get()?.user_version === 0) seed(cloud, Date.now());
    db.exec('PRAGMA user_version = 1');
    return cloud;
  });
}

function table<R extends object>(db: Database, name: string): Table<R> {
  db.exec(`CREATE TABLE IF NOT EXISTS ${name} (seq INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT UNIQUE NOT NULL,
    owner TEXT NOT NULL, body TEXT NOT NULL)`);
  db.exec(`CREATE INDEX IF NOT EXISTS ${name}_owner ON ${name} (owner)`);
  const one = db.prepare(`SELECT seq, body FROM ${name} WHERE key = ?`);
  const all = db.prepare(`SELECT seq, body FROM ${name} ORDER BY seq`);
  const owned = db.prepare(`SELECT seq, body FROM ${name} WHERE owner = ? ORDER BY seq`);
  const insert = db.prepare(`INSERT INTO ${name} (key, owner, body) VALUES (?, ?, ?)`);
  const update = db.prepare(`UPDATE ${name} SET body = ? WHERE key = ?`);
  const remove = db.prepare(`DELETE FROM ${name} WHERE key = ?`);
  const revive = (row: { seq?: unknown; body?: unknown }): Stored<R> => ({
    ...JSON.parse(String(row.body)),
    seq: Number(row.seq),
  });
  return {
    get: (key) => {
      const row = one.get(key);
      return row && revive(row);
    },
    list: (owner) => (owner === undefined ? all.all() : owned.all(owner)).map(revive),
    insert: (key, record, owner = '') => {
      return { ...record, seq: Number(insert.run(key, owner, JSON.stringify(record)).lastInsertRowid) };
    },
    update: (key, record) => {
      update.run(JSON.stringify(record), key);
      return record;
    },
    delete: (key) => void remove.run(key),
  };
}
