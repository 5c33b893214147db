/**
 * The settings of launchers: resolved, in milliseconds, and the options of `[DEFAULT]` that they are read from.
 */
import { totalmem } from 'node:os';
import { boolean, bytes, Config, defineOptions, duration, integer, oneOf } from '../config/index.js';
import { logOptions, writtenElsewhere } from '../config/internal.js';
import type { Logger } from '../log/index.js';

/** Effect of SIGHUP: replace or restart the services, or change the mutable options in place. */
export type RestartMethod = 'reload' | 'mutate';

/** Options of `[DEFAULT]` that launchers read (declared in launcher-options.ts), in milliseconds. */
export interface LaunchSettings {
  /** Time limit of a graceful stop; 0: none. */
  readonly gracefulShutdownTimeoutMs: number;
  /** Time limit of the drain of a worker, or an app, that another one replaces; 0: none. Default: as for a stop. */
  readonly drainTimeoutMs: number;
  /** A worker without a heartbeat for this time is replaced; 0: never. */
  readonly workerTimeoutMs: number;
  /** Time that the start of a worker may take; also a build of a reload, and its hooks; 0: no limit. */
  readonly workerStartTimeoutMs: number;
  /** A worker with more resident memory, in bytes, is replaced; 0: never. */
  readonly maxMemory: number;
  /** Time for which a reload retries workers that do not start. */
  readonly reloadTimeoutMs: number;
  /** Time between reporting not ready and refusing new connections. */
  readonly drainDelayMs: number;
  /** Effect of SIGHUP: new workers, or changes of mutable options in place. Default `reload`. */
  readonly restartMethod: RestartMethod;
  /** Effect of a second SIGTERM during a graceful stop: none, or an end at once. Default `ignore`. */
  readonly secondTerm: 'ignore' | 'force';
  /** Effect of SIGINT: an end at once with status 1, or a graceful stop. Default `fast`. */
  readonly sigint: 'fast' | 'graceful';
  /** Effect of SIGHUP in the foreground of a terminal. Default `stop`. */
  readonly sighupForeground: 'stop' | 'reload';
  /** More respawns of one service than this within `restartWindowMs` end the launch; 0: never. */
  readonly maxRestarts: number;
  /** Milliseconds within which `maxRestarts` counts; 0 (default): since the launch. */
  readonly restartWindowMs: number;
  /** Reload when files of the configuration have changed on disk. */
  readonly watchConfigFiles: boolean;
  /** Log all options at debug, when a launcher waits and after each reload. */
  readonly logOptions: boolean;
}

/** Memory of a worker with a small application. */
const WORKER_BYTES = 64 * 2 ** 20;

/** Returns the memory of the machine, or of the container if it is less. */
function memoryBytes(): number {
  return Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
}

export const launcherOptions = defineOptions({
  graceful_shutdown_timeout: duration({
    default: 60,
    mutable: true,
    help: 'Seconds to wait for open requests during a graceful shutdown before they are cut off. 0 waits forever. Keep it below the kill timeout of the service manager: 90 s for systemd, 30 s for Kubernetes, 10 s for Docker.',
  }),
  drain_timeout: duration({
    mutable: true,
    help: 'Seconds in which a worker that a reload, a restart or max_memory replaces may finish its open requests before they are cut off. 0 waits forever. When a further reload needs the place of such a worker, it has at most graceful_shutdown_timeout left. Default: graceful_shutdown_timeout.',
  }),
  worker_timeout: duration({
    default: 30,
    mutable: true,
    help: 'Seconds without a heartbeat after which a worker is killed and replaced. A process without workers is only killed. 0 disables this; so does an attached debugger.',
  }),
  worker_start_timeout: duration({
    default: 60,
    mutable: true,
    help: 'Seconds in which a worker must be ready; otherwise it is killed. At the start this ends the launch, in a reload it refuses the reload, later the worker is replaced. Builds of check and reloads, and hooks of reloads, have the same limit. 0 waits forever; so does an attached debugger.',
  }),
  max_memory: bytes({
    default: 0,
    mutable: true,
    help: 'Replace a worker gracefully when its resident memory reaches this size, such as "300M". 0 disables this. A worker that exceeds it from the start is only logged, not replaced.',
  }),
  reload_timeout: duration({
    default: 60,
    mutable: true,
    help: 'Seconds during which a reload keeps retrying when replacement workers do not start.',
  }),
  restart_method: oneOf(['reload', 'mutate'], {
    default: 'reload',
    restart: true,
    help: 'What SIGHUP does: reload replaces the workers one by one, mutate changes the mutable options in the running workers.',
  }),
  drain_delay: duration({
    default: 0,
    mutable: true,
    help: 'Seconds between reporting "not ready" and refusing new connections, so that load balancers can stop sending traffic.',
  }),
  second_term: oneOf(['ignore', 'force'], {
    default: 'ignore',
    parent: true,
    help: 'What a second SIGTERM does during a graceful shutdown: ignore does nothing, because orchestrators repeat the signal; force ends the process immediately.',
  }),
  sigint: oneOf(['fast', 'graceful'], {
    default: 'fast',
    parent: true,
    help: 'What SIGINT (Ctrl-C) does: fast exits immediately with status 1, graceful shuts down gracefully. During a graceful shutdown it always exits immediately.',
  }),
  sighup_foreground: oneOf(['stop', 'reload'], {
    default: 'stop',
    parent: true,
    help: 'What SIGHUP does when the process runs in the foreground of a terminal, where closing the terminal sends it.',
  }),
  max_restarts: integer({
    default: 0,
    min: 0,
    parent: true,
    help: 'Exit with status 1 after more than this many unexpected restarts of one service. 0 disables the limit.',
  }),
  restart_window: duration({
    default: 0,
    parent: true,
    help: 'Time window in seconds in which max_restarts counts. 0 counts since the start.',
  }),
  watch_config_files: boolean({
    default: false,
    parent: true,
    help: 'Reload, like SIGHUP, when configuration files, paste files, certificates or files with secrets and keys change on disk.',
  }),
  max_workers: integer({
    default: () => Math.max(16, Math.floor(memoryBytes() / WORKER_BYTES)),
    sampleDefault: 'memory / 64 MiB',
    min: 1,
    parent: true,
    help: 'Maximum number of workers that api-cli scale accepts for a service. Default: the memory of the machine or container divided by 64 MiB, but at least 16.',
  }),
  log_options: boolean({
    default: true,
    parent: true,
    help: 'Log all options at level debug at the start and after each reload. Secrets are masked.',
  }),
});

writtenElsewhere(launcherOptions, {
  meant: { reload_check_timeout: 'write worker_start_timeout, which limits every start of a worker' },
});

/**
 * Returns the settings of a configuration, or the defaults without one. Values from code take precedence. Throws
 * `ConfigError`.
 */
export function readSettings(
  config: Config = new Config(),
  code: Partial<Omit<LaunchSettings, 'restartMethod'>> & { restartMethod?: RestartMethod | undefined } = {},
): LaunchSettings {
  const { restartMethod, ...rest } = code;
  const configured = configuredSettings(config);
  const settings = { ...configured, ...rest, restartMethod: restartMethod ?? configured.restartMethod };
  return Object.freeze({ ...settings, drainTimeoutMs: settings.drainTimeoutMs ?? settings.gracefulShutdownTimeoutMs });
}

/** Returns the time limit of a drain whose place is needed; 0: none. */
export function hurriedDrainMs({ gracefulShutdownTimeoutMs, drainTimeoutMs }: LaunchSettings): number {
  return Math.min(gracefulShutdownTimeoutMs || drainTimeoutMs, drainTimeoutMs || gracefulShutdownTimeoutMs);
}

/** Logs all options if there is a configuration and `log_options` is set. */
export function logConfiguration(config: Config | undefined, settings: LaunchSettings, log: Logger): void {
  if (config !== undefined && settings.logOptions) logOptions(config, log);
}

function configuredSettings(
  config: Config,
): Omit<LaunchSettings, 'drainTimeoutMs'> & { readonly drainTimeoutMs: number | undefined } {
  const options = config.group('DEFAULT', launcherOptions);
  return {
    gracefulShutdownTimeoutMs: options.gracefulShutdownTimeout * 1000,
    drainTimeoutMs: options.drainTimeout === undefined ? undefined : options.drainTimeout * 1000,
    workerTimeoutMs: options.workerTimeout * 1000,
    workerStartTimeoutMs: options.workerStartTimeout * 1000,
    maxMemory: options.maxMemory,
    reloadTimeoutMs: options.reloadTimeout * 1000,
    drainDelayMs: options.drainDelay * 1000,
    restartMethod: options.restartMethod as RestartMethod,
    secondTerm: options.secondTerm as LaunchSettings['secondTerm'],
    sigint: options.sigint as LaunchSettings['sigint'],
    sighupForeground: options.sighupForeground as LaunchSettings['sighupForeground'],
    maxRestarts: options.maxRestarts,
    restartWindowMs: options.restartWindow * 1000,
    watchConfigFiles: options.watchConfigFiles,
    logOptions: options.logOptions,
  };
}
