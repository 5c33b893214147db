/** `portico/launch`: launchers, signals, systemd; usable without any HTTP. */
export type { Assignment } from './assignment.js';
export { STATUS_FAILED, STATUS_REFUSED, STATUS_STOPPED, STATUS_UNHANDLED } from './exit-status.js';
export type { LaunchRequest } from './fleet-reload.js';
export type { HostProcess } from './host-process.js';
export { type LaunchOptions, launch } from './launch.js';
export type { RestartMethod } from './launch-arguments.js';
export { DEFAULT_SETTINGS, type LaunchSettings } from './launch-settings.js';
export type { Launcher, LauncherOptions } from './launcher.js';
export { launcherOptions } from './launcher-options.js';
export type { OnReload } from './parent-side.js';
export { ProcessLauncher, type ProcessLauncherOptions } from './process-launcher.js';
export type { ReloadReport } from './reload-report.js';
export { ServiceLauncher, type ServiceLauncherOptions } from './service-launcher.js';
export { isSignalSupported, SignalHandler, type SignalListener, type SignalSource } from './signal-handler.js';
