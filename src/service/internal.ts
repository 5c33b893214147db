/** Internal exports for other directories of Portico. */

export { BindError, holderOf } from './bind-error.js';
export { Drivers, type DriversOptions } from './drivers.js';
export { HOOK_NAMES } from './hook-caller.js';
export type { ProtocolSteps } from './manager-hooks.js';
export { type BuildLog, buildLog, isFirstWorker, ManagerHooks, type ManagerHooksOptions } from './manager-hooks.js';
export { managerOptions, managerSettings } from './manager-options.js';
export { describeJobs, type ManagerPeriodicOptions } from './managers-periodic-tasks.js';
export { besideOption, findManager, importModuleExport, loadManager, makeFrom } from './module-export.js';
export { notPlain } from './plain-data.js';
export { NOTIFICATION_PRIORITIES } from './remote-calls.js';
export { formatAddress, isListening, isPlanned, isWildcard } from './service.js';
export { isUntracked, TaskTracker, type TaskTrackerOptions, type TrackedTask } from './task-tracker.js';
export { type SharedBuckets, type SharedRule, sharedBuckets, type Taken, TokenBuckets } from './token-buckets.js';
