/** The storage of both APIs: one SQLite file that all their workers share. */
import { type Database, openDatabase, type Row, transaction } from 'portico/sqlite';
import type { Action, Aggregate, Flavor, Group, Image, KeyPair, Server, Service } from './records.js';
import { seed } from './seed.js';

/** A record with its number: counted up for each kind, never used twice. */
export type Stored<R> = R & { readonly seq: number };

/** The records of one kind, each under a key, and with an owner (a project, a user, a server) where it has one. */
export type Table<R> = ReturnType<typeof openTable<R>>;

function openTable<R>(db: Database, name: string) {
  db.exec(`CREATE TABLE IF NOT EXISTS ${name} (seq INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT UNIQUE NOT NULL,
    owner TEXT NOT NULL, body TEXT NOT NULL)`);
  db.exec(`CREATE INDEX IF NOT EXISTS ${name}_owner ON ${name} (owner)`);
  const one = db.prepare(`SELECT seq, body FROM ${name} WHERE key = ?`);
  const all = db.prepare(`SELECT seq, body FROM ${name} ORDER BY seq`);
  const owned = db.prepare(`SELECT seq, body FROM ${name} WHERE owner = ? ORDER BY seq`);
  const insert = db.prepare(`INSERT INTO ${name} (key, owner, body) VALUES (?, ?, ?)`);
  const update = db.prepare(`UPDATE ${name} SET body = ? WHERE key = ?`);
  const remove = db.prepare(`DELETE FROM ${name} WHERE key = ?`);
  const revive = (row: Row): Stored<R> => ({ ...JSON.parse(String(row.body)), seq: Number(row.seq) });
  return {
    get: (key: string) => [one.get(key)].flatMap((row) => (row === undefined ? [] : revive(row)))[0],
    /** In the order of making; of one owner, or of all. */
    list: (owner?: string) => (owner === undefined ? all.all() : owned.all(owner)).map(revive),
    /** Throws when the key is taken: look before, in the same transaction. */
    insert: (key: string, record: R, owner = ''): Stored<R> => {
      return { ...record, seq: Number(insert.run(key, owner, JSON.stringify(record)).lastInsertRowid) };
    },
    /** Gives the record back. */
    update: <S extends R>(key: string, record: S): S => {
      update.run(JSON.stringify(record), key);
      return record;
    },
    delete: (key: string) => void remove.run(key),
  };
}

/** Everything the sample knows. */
export type Cloud = ReturnType<typeof openCloud>;

/**
 * Opens a file, or `:memory:`. A new one is filled; an old one is not changed. Waits up to five seconds for the
 * transactions of other processes.
 */
export function openCloud(path: string) {
  const db = openDatabase(path, { busyTimeoutMs: 5000 });
  return transaction(db, () => {
    const cloud = {
      flavors: openTable<Flavor>(db, 'flavors'),
      images: openTable<Image>(db, 'images'),
      keyPairs: openTable<KeyPair>(db, 'key_pairs'),
      groups: openTable<Group>(db, 'server_groups'),
      services: openTable<Service>(db, 'services'),
      aggregates: openTable<Aggregate>(db, 'aggregates'),
      servers: openTable<Server>(db, 'servers'),
      actions: openTable<Action>(db, 'actions'),
      /** All of it or, when `work` throws, nothing. */
      write: <T>(work: () => T): T => transaction(db, work),
      /** One consistent view of the store; does not wait for writers. */
      read: <T>(work: () => T): T => {
        db.exec('BEGIN');
        try {
          return work();
        } finally {
          db.exec('COMMIT');
        }
      },
      close: () => db.close(),
    };
    if (db.prepare('PRAGMA user_version').get()?.user_version === 0) seed(cloud, Date.now());
    db.exec('PRAGMA user_version = 1');
    return cloud;
  });
}
