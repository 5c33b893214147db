/** `portico/registry`: which services run where, and whether they are up. */
export type { Liveness } from './is-up.js';
export {
  ManagedService,
  type ManagedServiceOptions,
  type ManagedStart,
  type ManagerContext,
} from './managed-service.js';
export type { MemberIdentity, Membership } from './membership.js';
export type { MembershipOptions } from './membership-options.js';
export { MemoryStore } from './memory-store.js';
export type { ManagerOption } from './named-manager.js';
export { type MemberOptions, membership, openRegistry } from './open-registry.js';
export {
  type OperatorChanges,
  type RegistryEvent,
  type RegistryHooks,
  type ServiceMember,
  ServiceRegistry,
  type ServiceRegistryOptions,
  type ServiceView,
  type ViewFilter,
} from './service-registry.js';
export {
  type Beat,
  type BeatAnswer,
  type RecordChanges,
  RecordExists,
  type RecordFilter,
  RegistryUnavailable,
  type ServiceAnnouncement,
  type ServiceStore,
  type WorkerRow,
} from './service-store.js';
