/** `portico/launch`: launchers, signals, systemd; usable without any HTTP. */
export type { Assignment } from './assignment.js';
export {
  type Backdoor,
  type BackdoorOptions,
  backdoorOptions,
  initializeBackdoor,
  initializeIfEnabled,
} from './backdoor.js';
export { BackdoorConfigValueError } from './backdoor-address.js';
export { supervisorOptions } from './diagnosis.js';
export { STATUS_FAILED, STATUS_REFUSED, STATUS_STOPPED, STATUS_UNHANDLED } from './exit-status.js';
export type { LaunchRequest } from './fleet-reload.js';
export type { HostProcess } from './host-process.js';
export { type LaunchOptions, launch } from './launch.js';
export type { RestartMethod } from './launch-arguments.js';
export { DEFAULT_SETTINGS, type LaunchSettings } from './launch-settings.js';
export type { Launcher, LauncherOptions } from './launcher.js';
export { launcherOptions } from './launcher-options.js';
export type { LauncherStatus, ServiceStatus, WorkerStatus } from './launcher-status.js';
export { wasLogged } from './log-failure.js';
export { isWorker } from './parent-link.js';
export type { OnReload } from './parent-reload.js';
export { ProcessLauncher, type ProcessLauncherOptions } from './process-launcher.js';
export { type ProcessReportOptions, processReport } from './process-report.js';
export type { Answer, AnswerQuestion } from './questions.js';
export type { ReloadReport } from './reload-report.js';
export {
  GuruMeditation,
  type GuruMeditationOptions,
  guruMeditation,
  type ReportedRequest,
  type ReportSection,
  reportOptions,
} from './report.js';
export { serve, wait } from './serve.js';
export { ServiceLauncher } from './service-launcher.js';
export type { ServiceLauncherOptions } from './service-launcher-options.js';
export { isSignalSupported, SignalHandler, type SignalListener, type SignalSource } from './signal-handler.js';
export { type NotifyOptions, notify, notifyOnce, onReady, type Readiness } from './systemd.js';
