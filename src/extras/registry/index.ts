/** `portico/registry`: the services of all machines, and whether they are up. */
export type {
  Beat,
  BeatAnswer,
  Liveness,
  OperatorChanges,
  RecordChanges,
  RecordFilter,
  RegistryEvent,
  RegistryHooks,
  ServiceAnnouncement,
  ServiceMember,
  ServiceRegistry,
  ServiceStore,
  ServiceView,
  ViewFilter,
  WorkerRow,
} from 'portico/extension';
export type { ManagerContext } from 'portico/service';
export { openRegistry } from './open-registry.js';
export type { ServiceRegistryOptions } from './service-registry.js';
