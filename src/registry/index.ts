/** `portico/registry`: the services of all machines, and whether they are up. */
export type { ManagerContext } from './manager-context.js';
export { openRegistry } from './open-registry.js';
export type {
  OperatorChanges,
  RegistryEvent,
  RegistryHooks,
  ServiceMember,
  ServiceRegistry,
  ServiceRegistryOptions,
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
export type { Liveness, ServiceView, ViewFilter } from './service-view.js';
