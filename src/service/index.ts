/** `portico/service`: what one needs to write a service. */
export type { Awaitable } from './awaitable.js';
export { type DriverKind, NotSupported } from './driver-kind.js';
export { type DriverPolicy, guardDriver } from './driver-policy.js';
export { type DriverLife, Drivers, type DriversOptions, loadDriver } from './drivers.js';
export { HOOK_NAMES, type HookName } from './hook-caller.js';
export { importFailure } from './import-failure.js';
export { Lifecycle, type LifecycleState, type LifecycleSteps } from './lifecycle.js';
export { findManager, loadManager, type ManagerSource } from './load-manager.js';
export type { Manager, Registration, ServiceRecord, ServiceState } from './manager.js';
export {
  ManagerHooks,
  type ManagerHooksOptions,
  type ProtocolSteps,
} from './manager-hooks.js';
export { managerOptions, managerSettings } from './manager-options.js';
export type { ManagerPeriodicOptions } from './managers-periodic-tasks.js';
export { importModuleExport, isClass, type ModuleExportOptions, parseModuleExport } from './module-export.js';
export { findPackage, foldersFrom, ModuleMissing, moduleFolders, moduleUrl } from './module-path.js';
export { notPlain } from './plain-data.js';
export {
  type ConfigChanges,
  isListening,
  type ListenAddress,
  type ListeningService,
  type ListenSocket,
  Service,
  type ServiceBase,
  type ServiceFile,
  type ServiceOptions,
  type StopOptions,
  type WorkerContext,
} from './service.js';
export { ServiceExit } from './service-exit.js';
export {
  isUntracked,
  TaskTracker,
  type TaskTrackerOptions,
  type Track,
  type TrackedFacts,
  type TrackedTask,
  untracked,
} from './task-tracker.js';
export { thrownAt } from './thrown-at.js';
export { type BuildLog, isFirstWorker, toldOnce } from './told-once.js';
