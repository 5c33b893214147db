/** `portico/launch`: launchers, signals, systemd; usable without any HTTP. */
export type { Assignment } from './assignment.js';
export {
  type Backdoor,
  type BackdoorOptions,
  backdoorOptions,
  initializeBackdoor,
  initializeIfEnabled,
} from './backdoor/backdoor.js';
export { BackdoorConfigValueError } from './backdoor/backdoor-address.js';
export { STATUS_FAILED, STATUS_REFUSED, STATUS_STOPPED, STATUS_UNHANDLED } from './exit-status.js';
export type { ServiceLauncherOptions } from './in-process/in-process-runner.js';
export { type LaunchOptions, launch } from './launch.js';
export type { RestartMethod } from './launch-arguments.js';
export { DEFAULT_SETTINGS, type LaunchSettings } from './launch-settings.js';
export type { Launcher, LauncherOptions } from './launcher.js';
export { launcherOptions } from './launcher-options.js';
export type { LauncherStatus, ServiceStatus, WorkerStatus } from './launcher-status.js';
export type { ProcessLauncherOptions } from './parent/fleet-runner.js';
export type { HostProcess } from './process/host-process.js';
export { wasLogged } from './process/log-failure.js';
export { isSignalSupported, SignalHandler, type SignalListener, type SignalSource } from './process/signal-handler.js';
export { ProcessLauncher } from './process-launcher.js';
export type { ReloadChange } from './reload/changed-files.js';
export type { LaunchRequest } from './reload/fleet-reload.js';
export type { PipelineChange } from './reload/outline.js';
export type { OnReload } from './reload/parent-reload.js';
export type { ReloadReport } from './reload/reload-report.js';
export { supervisorOptions } from './report/diagnosis.js';
export { type ProcessReportOptions, processReport } from './report/process-report.js';
export type { Answer, AnswerQuestion } from './report/questions.js';
export {
  GuruMeditation,
  type GuruMeditationOptions,
  guruMeditation,
  type ReportedRequest,
  type ReportSection,
  reportOptions,
} from './report/report.js';
export { serve, wait } from './serve.js';
export { ServiceLauncher } from './service-launcher.js';
export { type NotifyOptions, notify, notifyOnce, onReady, type Readiness } from './systemd/systemd.js';
export { isRehearsal, isWorker } from './worker/parent-link.js';
