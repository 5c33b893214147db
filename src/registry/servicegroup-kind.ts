/**
 * The kind of driver that keeps service records.
 */
import type { DriverKind } from '../service/index.js';
import { MemoryStore } from './memory-store.js';
import { PostgresqlStore } from './postgresql-store.js';
import type { ServiceStore } from './service-store.js';
import { SqliteStore } from './sqlite-store.js';

const METHODS: readonly (keyof ServiceStore)[] = [
  'now',
  'find',
  'get',
  'list',
  'insert',
  'update',
  'beat',
  'remove',
  'deletedBy',
  'workers',
  'putWorker',
  'dropWorker',
  'purge',
  'lease',
  'close',
];

/** Each is made as the class of its name: `memory` with options, the others with where they are and options. */
export const servicegroupKind: DriverKind = Object.freeze({
  kind: 'servicegroup',
  required: METHODS,
  optional: ['migrate'],
  builtin: { memory: MemoryStore, sqlite: SqliteStore, postgresql: PostgresqlStore },
});
