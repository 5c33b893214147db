/** Internal exports for other directories of Portico. */

export { BindError, holderOf } from './bind-error.js';
export { Drivers, type DriversOptions } from './drivers.js';
export { extensionsOf, loadedExtensionsOf } from './extension.js';
export { type KeptValues, keptByParent, lastRunsIn, RECORD_KEY } from './kept-values.js';
export { FORCED_STOP_MS } from './lifecycle.js';
export { findManager, loadManager } from './load-manager.js';
export {
  type BuildLog,
  buildLog,
  isFirstWorker,
  ManagerHooks,
  type ManagerHooksOptions,
  type ProtocolSteps,
  remaining,
} from './manager-hooks.js';
export { heartbeatOptions, hostOf, managerOptions, managerSettings, namedManager } from './manager-options.js';
export { describeJobs, type ManagerPeriodicOptions } from './managers-periodic-tasks.js';
export { besideOption, importModuleExport, makeFrom } from './module-export.js';
export { isOneProcess, oneProcessOptions } from './one-process.js';
export type * from './registry-contract.js';
export { formatAddress, isListening, isPlanned, isWildcard } from './service.js';
export {
  addTrouble,
  type OpenStore,
  type RateBucket,
  type RateStore,
  type SessionStore,
  type StoreOptions,
  type StoresByScheme,
  troublesOf,
} from './shared-store.js';
export { TaskTracker, type TaskTrackerOptions, type TrackedTask } from './task-tracker.js';
export { ServiceBuckets, type SharedBuckets, type SharedRule, sharedBuckets, type Taken } from './token-buckets.js';
