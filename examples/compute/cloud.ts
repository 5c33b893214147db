/** The store of both APIs: a SQLite file that all their workers share, the options of `[sample]`, and the initial contents. */
import { sharedDatabase, sqliteConnection } from 'portico/app';
import { defineOptions, integer, type OptionsOf } from 'portico/config';
import { isoSeconds } from 'portico/openstack';
import { openDatabase, recordTable, snapshot, transaction } from 'portico/sqlite';
import type {
  Action,
  Aggregate,
  Flavor,
  FlavorAccess,
  Group,
  Image,
  KeyPair,
  QuotaRecord,
  Server,
  Service,
} from './records.js';

const BY_API = 'an administrator sets quotas with PUT /os-quota-class-sets/default.';

/** The options of `[sample]`. */
export const sampleOptions = defineOptions(
  'sample',
  {
    connection: sqliteConnection({ default: 'sqlite:///sample.db' }),
    transition_ms: integer({ default: 300, min: 0, help: 'Milliseconds between the states of a server.' }),
    max_limit: integer({ default: 1000, min: 1, help: 'Maximum number of items on a page of a list.' }),
  },
  {
    removed: {
      quota_instances: BY_API,
      quota_cores: BY_API,
      quota_ram: BY_API,
      quota_key_pairs: BY_API,
      quota_server_groups: BY_API,
    },
  },
);
export type Settings = OptionsOf<typeof sampleOptions>;

/** The tables of the store, and the transactions on them. */
export type Cloud = ReturnType<typeof openCloud>;

/** Opens a file or `:memory:`. A new database gets the initial contents; an existing one keeps its contents. */
function openCloud(path: string) {
  const db = openDatabase(path);
  return transaction(db, () => {
    const cloud = {
      flavors: recordTable<Flavor>(db, 'flavors'),
      flavorAccess: recordTable<FlavorAccess>(db, 'flavor_access'),
      quotas: recordTable<QuotaRecord>(db, 'quotas'),
      quotaClasses: recordTable<QuotaRecord>(db, 'quota_classes'),
      images: recordTable<Image>(db, 'images'),
      keyPairs: recordTable<KeyPair>(db, 'key_pairs'),
      groups: recordTable<Group>(db, 'server_groups'),
      services: recordTable<Service>(db, 'services'),
      aggregates: recordTable<Aggregate>(db, 'aggregates'),
      servers: recordTable<Server>(db, 'servers'),
      actions: recordTable<Action>(db, 'actions'),
      /** Runs `work` in a transaction, which is rolled back if `work` throws. */
      write: <T>(work: () => T): T => transaction(db, work),
      /** Runs `work` on one consistent view of the store; does not wait for writers. */
      read: <T>(work: () => T): T => snapshot(db, work),
      close: () => db.close(),
    };
    if (db.prepare('PRAGMA user_version').get()?.user_version === 0) {
      const created = isoSeconds(Date.now());
      const up = { host: HOST.name, disabled: false, disabled_reason: null, forced_down: false };
      for (const flavor of FLAVORS) cloud.flavors.insert(flavor.id, { ...PLAIN_FLAVOR, ...flavor });
      for (const image of IMAGES) cloud.images.insert(image.id, { ...image, created });
      for (const service of SERVICES) cloud.services.insert(service.id, { ...service, ...up });
    }
    db.exec('PRAGMA user_version = 1');
    return cloud;
  });
}

/** Returns the store, which all APIs of a process share. */
export const cloudOf = sharedDatabase({ group: 'sample', options: sampleOptions, open: openCloud });

/** The simulated host and its resources. */
export const HOST = {
  uuid: '1d9f0c52-6a3e-4f17-9b8c-2e5a7d40c001',
  name: 'host1',
  zone: 'nova',
  vcpus: 64,
  memory_mb: 262_144,
  local_gb: 4096,
} as const;

/** Defaults of the optional members of a flavor. */
const PLAIN_FLAVOR = {
  swap: 0,
  rxtx_factor: 1,
  'OS-FLV-EXT-DATA:ephemeral': 0,
  'os-flavor-access:is_public': true,
  description: null,
  extra_specs: {},
} as const;

// The initial contents. Ids are fixed, so that clients can use them.

const FLAVORS = [
  { id: '1', name: 'm1.tiny', ram: 512, vcpus: 1, disk: 1 },
  { id: '2', name: 'm1.small', ram: 2048, vcpus: 1, disk: 20 },
  { id: '3', name: 'm1.medium', ram: 4096, vcpus: 2, disk: 40 },
] as const;

const IMAGES = [
  { id: '3f1b2c5e-8a47-4d0b-9b52-6d1f0c7a9e01', name: 'cirros', 'OS-EXT-IMG-SIZE:size': 21_430_272 },
  { id: '8c0d94aa-1e6f-4b5d-a3c8-52e7f96b3d02', name: 'debian', 'OS-EXT-IMG-SIZE:size': 341_835_776 },
] as const;

const SERVICES = [
  { id: '5b1f0f4e-7c55-4c38-8b1f-9a2f6d1c0e11', binary: 'nova-conductor', zone: 'internal' },
  { id: 'a3d7c2b8-0f64-4e1a-9d53-4c8be27f6022', binary: 'nova-scheduler', zone: 'internal' },
  { id: 'e9640d1c-52ab-4f7e-8c06-1b7d93a5f033', binary: 'nova-compute', zone: HOST.zone },
] as const;
