/** `portico/service`: classes and types for writing a service. */
export type { ApiFacts, ApplicationFacts, ListenerFacts, WrittenPath } from './application-facts.js';
export type { DriverLife, Drivers, LoadDriverOptions } from './drivers.js';
export type {
  CommandContext,
  CommandFile,
  ConfigurationArguments,
  Extension,
  OutputArguments,
  Provides,
  StatusPart,
} from './extension.js';
export { Lifecycle, type LifecycleState, type LifecycleSteps } from './lifecycle.js';
export type { ManagerSource } from './load-manager.js';
export type { Manager, ManagerContext, ManagerOption } from './manager.js';
export type { ModuleExportOptions } from './module-export.js';
export { Service, type ServiceOptions } from './ordinary-service.js';
export { notPlain } from './plain-data.js';
export type { Registration, ServiceRecord, ServiceState } from './registry-contract.js';
export type {
  CallOptions,
  ClientOptions,
  EmitNotification,
  ManagerCalls,
  NotificationPriority,
  Notifier,
  NotifierOptions,
  OwnRPCClients,
  RPCClient,
  RPCClients,
} from './remote-calls.js';
export {
  type Awaitable,
  type Launchable,
  type ListenAddress,
  type ListeningService,
  type ListenSocket,
  type PlannedApp,
  type PlannedCertificate,
  type PlannedService,
  type ServiceBase,
  ServiceExit,
  type ServiceFile,
  type ServicePlan,
  type StopOptions,
  type StopReason,
  type WorkerContext,
} from './service.js';
export type { Track, TrackedFacts } from './task-tracker.js';
