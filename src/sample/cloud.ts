/** The storage of both APIs: one SQLite file that all their workers share. */
import { openDatabase, recordTable, snapshot, transaction } from 'portico/sqlite';
import type { Action, Aggregate, Flavor, Group, Image, KeyPair, Server, Service } from './records.js';
import { firstRecords } from './seed.js';

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
    if (db.prepare('PRAGMA user_version').get()?.user_version === 0) {
      const { flavors, images, services } = firstRecords(Date.now());
      for (const flavor of flavors) cloud.flavors.insert(flavor.id, flavor);
      for (const image of images) cloud.images.insert(image.id, image);
      for (const service of services) cloud.services.insert(service.id, service);
    }
    db.exec('PRAGMA user_version = 1');
    return cloud;
  });
}
