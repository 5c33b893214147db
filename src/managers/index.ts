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
export { heartbeatOptions, hostOf, namedManager, RECORD_KEY } from '../service/internal.js';
export { type ManagedRun, ManagedRuns } from './managed-runs.js';
export {
  checkManager,
  type DescribedJob,
  describedJobs,
  type EarlierRuns,
  ManagedService,
} from './managed-service.js';
export {
  type CallsProvider,
  callsProvider,
  type Member,
  type OpenCall,
  type RegistryProvider,
  type RemoteCalls,
  registryProvider,
} from './providers.js';
