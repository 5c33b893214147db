/** `portico/registry`: which services run where, and whether they are up. */
export { correctedDownTime, isFromTheFuture, isUp, type Liveness, liveness } from './is-up.js';
export {
  ManagedService,
  type ManagedServiceOptions,
  type ManagedStart,
  type ManagerContext,
} from './managed-service.js';
export { type MemberIdentity, Membership, type MembershipOptions } from './membership.js';
export { MemoryStore } from './memory-store.js';
export { checkManager, type ManagerOption, namedManager } from './named-manager.js';
export { type MemberOptions, membership, openRegistry, sqlitePath } from './open-registry.js';
export { PostgresqlStore, type PostgresqlStoreOptions } from './postgresql-store.js';
export { RecordExists, RecordNotFound, RegistryUnavailable, ServiceTooOld } from './registry-errors.js';
export { databaseOptions, heartbeatOptions, servicegroupOptions } from './registry-options.js';
export { type ServiceJson, serviceJson } from './service-json.js';
export {
  type OperatorChanges,
  type RegistryEvent,
  type ServiceMember,
  ServiceRegistry,
  type ServiceRegistryOptions,
  type ServiceView,
  type ViewFilter,
} from './service-registry.js';
export type {
  Beat,
  BeatAnswer,
  RecordChanges,
  RecordFilter,
  ServiceAnnouncement,
  ServiceStore,
  WorkerRow,
} from './service-store.js';
export { servicegroupKind } from './servicegroup-kind.js';
export { SqliteStore, type SqliteStoreOptions } from './sqlite-store.js';
