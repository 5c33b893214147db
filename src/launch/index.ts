/** `portico/launch`: launchers, signals, systemd; usable without any HTTP. */
export {
  type Backdoor,
  BackdoorConfigValueError,
  type BackdoorOptions,
  initializeIfEnabled,
} from './backdoor/backdoor.js';
export type { ProcessLauncherOptions } from './fleet-runner.js';
export type { ServiceLauncherOptions } from './in-process/in-process-runner.js';
export { type LaunchOptions, launch, ProcessLauncher, ServiceLauncher, serve, wait } from './launch.js';
export type { Launcher, LauncherOptions } from './launcher.js';
export type { LaunchSettings, RestartMethod } from './launcher-options.js';
export type { LauncherStatus, ServiceStatus, WorkerStatus } from './launcher-status.js';
export type { EndReason, WorkerEnd } from './parent/worker-end.js';
export type { HostProcess } from './process/host-process.js';
export type { SignalHandler, SignalListener, SignalSource } from './process/signals.js';
export type { Answer, AnswerQuestion } from './questions.js';
export type { OnReload } from './reload/fleet-reload.js';
export type { LaunchRequest } from './reload/reload.js';
export type { ReloadReport, ReloadUnderWay } from './reload/reload-report.js';
export type { PipelineChange, ReloadChange } from './reload/service-plans.js';
export type { ReportSection } from './report/report.js';
export type { ReportedRequest } from './report/report-subjects.js';
export { type NotifyOptions, notify, notifyOnce, onReady, type Readiness } from './systemd/service-manager.js';
export type { HeldRequest } from './worker-message.js';
