/** The storage of both APIs: one SQLite file that all their workers share. */
import { openDatabase, recordTable, snapshot, transaction } from 'portico/sqlite';
import type { Action, Aggregate, Flavor, Group, Image, KeyPair, Server, Service } from './records.js';
import { seed } from './seed.js';

/** Everything the sample knows. */
export type Cloud = ReturnType<typeof openCloud>;

/** Opens a file, or `:memory:`. A new one is filled; an old one is not changed. */
export function openCloud(path: string) {
  const db = openDatabase(path);
  return transaction(db, () => {
    const cloud = {
      flavors: recordTable<Flavor>(db, 'flavors'),
      images: recordTable<Image>(db, 'images'),
      keyPairs: recordTable<KeyPair>(db, 'key_pairs'),
      groups: recordTable<Group>(db, 'server_groups'),
      services: recordTable<Service>(db, 'services'),
      aggregates: recordTable<Aggregate>(db, 'aggregates'),
      servers: recordTable<Server>(db, 'servers'),
      actions: recordTable<Action>(db, 'actions'),
      /** All of it or, when `work` throws, nothing. */
      write: <T>(work: () => T): T => transaction(db, work),
      /** One consistent view of the store; does not wait for writers. */
      read: <T>(work: () => T): T => snapshot(db, work),
      close: () => db.close(),
    };
    if (db.prepare('PRAGMA user_version').get()?.user_version === 0) seed(cloud, Date.now());
    db.exec('PRAGMA user_version = 1');
    return cloud;
  });
}
