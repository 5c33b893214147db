/** The managers of a service of any protocol: made, started, registered and released with it. */

export type {
  Beat,
  BeatAnswer,
  KeptValues,
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
} from '../service/internal.js';
export {
  extensionsOf,
  heartbeatOptions,
  hostOf,
  loadedExtensionsOf,
  type ManagerHooks,
  type ManagerPeriodicOptions,
  namedManager,
  type ProtocolSteps,
  RECORD_KEY,
  type TaskTracker,
  type TrackedTask,
} from '../service/internal.js';
export { type ManagedRun, ManagedRuns, type ManagedRunsOptions } from './managed-runs.js';
export {
  checkManager,
  type DescribedJob,
  describedJobs,
  type EarlierRuns,
  ManagedService,
  type ManagedServiceOptions,
  type ManagedStart,
} from './managed-service.js';
export {
  type CallsProvider,
  callsProvider,
  configuredRegistry,
  type Member,
  type OpenCall,
  type OpenRegistry,
  type RegistryProvider,
  type RemoteCalls,
  registryProvider,
} from './providers.js';
export {
  type MakeService,
  type PlannedSectionService,
  type SectionService,
  type SectionServices,
  type ServiceInterface,
  type ServiceSection,
  sectionServices,
} from './section-services.js';
export { type ServiceJson, serviceJson } from './service-json.js';
