/** `portico/registry`: the services of all machines, and whether they are up. */
export type { ManagerContext } from './managed-service.js';
export type { MemberIdentity, Membership, MembershipOptions } from './membership.js';
export type { ManagerOption } from './named-manager.js';
export { type MemberOptions, membership, openRegistry } from './open-registry.js';
export {
  type OperatorChanges,
  type RegistryEvent,
  type RegistryHooks,
  type ServiceMember,
  ServiceRegistry,
  type ServiceRegistryOptions,
} from './service-registry.js';
export {
  type Beat,
  type BeatAnswer,
  type DatabaseOption,
  type RecordChanges,
  RecordExists,
  type RecordFilter,
  RegistryUnavailable,
  type ServiceAnnouncement,
  type ServiceStore,
  type WorkerRow,
} from './service-store.js';
export type { Liveness, ServiceView, ViewFilter } from './service-view.js';
export { MemoryStore } from './sqlite-store.js';
