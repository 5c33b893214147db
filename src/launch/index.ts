/** `portico/launch`: launchers, signals, systemd; usable without any HTTP. */
export type { FailedRequests, ShownRefusals } from '../counts/index.js';
export {
  type Answer,
  type AnswerQuestion,
  type Backdoor,
  BackdoorConfigValueError,
  type BackdoorOptions,
  type EndReason,
  type HeldRequest,
  initializeIfEnabled,
  type LauncherStatus,
  type PipelineChange,
  type ReloadChange,
  type ReloadReport,
  type ReloadUnderWay,
  type ReportedRequest,
  type ReportSection,
  type ServiceStatus,
  type WorkerEnd,
  type WorkerStatus,
} from '../operating/index.js';
export type { ProcessLauncherOptions } from './fleet-runner.js';
export type { ServiceLauncherOptions } from './in-process/in-process-runner.js';
export { type LaunchOptions, launch, ProcessLauncher, ServiceLauncher, serve, wait } from './launch.js';
export type { Launcher, LauncherOptions, LaunchRequest, OnReload } from './launcher.js';
export type { LaunchSettings, RestartMethod } from './launcher-options.js';
export type { HostProcess } from './process/host-process.js';
export type { SignalHandler, SignalListener, SignalSource } from './process/signals.js';
export { type NotifyOptions, notify, notifyOnce, onReady, type Readiness } from './systemd/service-manager.js';
