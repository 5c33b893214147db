/**
 * The settings of launchers: resolved, in milliseconds, and the options of `[DEFAULT]` that they are read from.
 */
import { boolean, bytes, Config, defineOptions, duration, integer, oneOf } from '../config/index.js';
import { crossCheck, logOptions, writtenElsewhere } from '../config/internal.js';
import { locationText } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import { managerOptions } from '../service/internal.js';

// Times of the heartbeats that a worker sends, and that its parent expects.

/** Interval of heartbeats in milliseconds, unless a worker announces a longer one. */
export const BEAT_MS = 1000;
/** Time without two heartbeats. */
export const SILENT_MS = 2500;
/** Longest announced interval that counts: a worker that is suspended while idle is noticed after it. */
const LONGEST_REST_MS = 10_000;

/** Returns the time by which the next heartbeat comes later than usual, in milliseconds; 0 if it does not. */
export function restMs(nextMs: number): number {
  return Math.min(Math.max(nextMs, BEAT_MS), LONGEST_REST_MS) - BEAT_MS;
}

/** Effect of SIGHUP: replace or restart the services, or call their `reset()` alone. */
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
  /** A worker with more resident memory, in bytes, is replaced; 0: never; undefined: its share of the container's. */
  readonly maxMemory: number | undefined;
  /** Time for which a reload retries workers that do not start. Default: a minute. */
  readonly reloadTimeoutMs: number;
  /** Time for which new requests may wait in a reload of a process without workers. */
  readonly reloadPauseMs: number;
  /** Time between reporting not ready and refusing new connections. */
  readonly drainDelayMs: number;
  /** Effect of SIGHUP: new workers, or `reset()` of services and managers in running ones. Default `reload`. */
  readonly restartMethod: RestartMethod;
  /** Effect of a second SIGTERM during a graceful stop: none, or an end at once. Default `ignore`. */
  readonly secondTerm: 'ignore' | 'force';
  /** Effect of SIGINT: an end at once with status 1, or a graceful stop. Default `fast`. */
  readonly sigint: 'fast' | 'graceful';
  /** Effect of SIGHUP in the foreground of a terminal. Default `stop`. */
  readonly sighupForeground: 'stop' | 'reload';
  /** More respawns of one service than this within `restartWindowMs` end the launch; 0: never. */
  readonly maxRestarts: number;
  /** Milliseconds within which `maxRestarts` counts; 0: since the launch. Default: an hour. */
  readonly restartWindowMs: number;
  /** Reload when files of the configuration have changed on disk. */
  readonly watchConfigFiles: boolean;
  /** Log all options at debug, when a launcher waits and after each reload. */
  readonly logOptions: boolean;
}

/** Time for which a reload retries workers that do not start, in milliseconds: for what passes by itself, such as a full memory. */
const RELOAD_MS = 60_000;
/** Time in which `max_restarts` counts, in milliseconds. A worker that cannot serve is restarted at least every minute. */
const RESTART_WINDOW_MS = 3_600_000;

export const launcherOptions = defineOptions('DEFAULT', {
  graceful_shutdown_timeout: duration({
    default: 60,
    help: 'Seconds for open requests in a graceful shutdown, before they are cut off. 0 waits forever. Keep it below the kill timeout: systemd 90 s, Kubernetes 30 s, Docker 10 s.',
  }),
  drain_timeout: duration({
    help: 'Seconds for open requests of a worker that a reload, a restart or max_memory replaces. 0 waits forever. Default: graceful_shutdown_timeout.',
  }),
  worker_timeout: duration({
    default: 30,
    help: 'Seconds without a heartbeat until a worker or single process is killed, up to 11 more for one without requests. 0 or an attached debugger disables this.',
  }),
  worker_start_timeout: duration({
    default: 60,
    help: 'Seconds for a worker to become ready, for a build of check or a reload, and for hooks of reloads. 0 or an attached debugger waits forever.',
  }),
  max_memory: bytes({
    help: 'Replace a worker gracefully at this resident memory, such as "300M". 0 disables this. Default: none; in a container with a memory limit three quarters of what exceeds 128 MiB, divided by the workers, if each gets 128 MiB.',
  }),
  reload_pause: duration({
    default: 5,
    help: 'Seconds that new requests may wait in a reload without workers, for open ones and the start of the new manager. Then they get 503 until it has started.',
  }),
  restart_method: oneOf(['reload', 'mutate'], {
    default: 'reload',
    restart: true,
    help: 'Effect of SIGHUP: reload replaces the workers, mutate calls reset() of services and managers in running ones.',
  }),
  drain_delay: duration({
    default: 0,
    help: 'Seconds between "not ready" and the refusal of new connections, for load balancers.',
  }),
  second_term: oneOf(['ignore', 'force'], {
    default: 'ignore',
    help: 'Effect of a second SIGTERM: ignore, because orchestrators repeat it, or force, an immediate end.',
    advanced: true,
  }),
  sigint: oneOf(['fast', 'graceful'], {
    default: 'fast',
    help: 'Effect of Ctrl-C (SIGINT): fast exits with status 1, graceful shuts down gracefully. In a graceful shutdown it always exits.',
    advanced: true,
  }),
  sighup_foreground: oneOf(['stop', 'reload'], {
    default: 'stop',
    help: 'Effect of SIGHUP in the foreground of a terminal, which sends it when it closes.',
    advanced: true,
  }),
  max_restarts: integer({
    default: 0,
    min: 0,
    help: 'Exit with status 1 after more unexpected restarts of a service within an hour than this. 0: no limit.',
  }),
  watch_config_files: boolean({
    default: false,
    help: 'Reload when configuration files, paste files, certificates or files with secrets and keys change.',
  }),
  log_options: boolean({
    default: true,
    help: 'Log all options at level debug, with secrets masked, at the start and after each reload.',
    advanced: true,
  }),
});

writtenElsewhere(launcherOptions, {
  meant: { reload_check_timeout: 'write worker_start_timeout, which limits every start of a worker' },
  removed: {
    reload_timeout: 'a reload retries workers that do not start for a minute.',
    restart_window: 'max_restarts counts the restarts of an hour.',
    max_workers: 'api-cli scale accepts a worker for each 64 MiB of memory, at least 16.',
  },
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
    reloadTimeoutMs: RELOAD_MS,
    reloadPauseMs: options.reloadPause * 1000,
    drainDelayMs: options.drainDelay * 1000,
    restartMethod: options.restartMethod as RestartMethod,
    secondTerm: options.secondTerm as LaunchSettings['secondTerm'],
    sigint: options.sigint as LaunchSettings['sigint'],
    sighupForeground: options.sighupForeground as LaunchSettings['sighupForeground'],
    maxRestarts: options.maxRestarts,
    restartWindowMs: RESTART_WINDOW_MS,
    watchConfigFiles: options.watchConfigFiles,
    logOptions: options.logOptions,
  };
}

/** Managers that finish in time leave some for later steps; a longer time has no effect. */
crossCheck((config: Config) => {
  const { managerShutdownTimeout: own } = config.group('DEFAULT', managerOptions, { partial: true });
  const { gracefulShutdownTimeout: whole } = config.group('DEFAULT', launcherOptions, { partial: true });
  const [group, opt] = ['DEFAULT', 'manager_shutdown_timeout'];
  // The default belongs to the default of the other option.
  if (whole === 0 || own < whole || config.getLocation(group, opt).kind === 'default') return [];
  const place = locationText(config.getLocation(group, 'graceful_shutdown_timeout'));
  const message = `is not below graceful_shutdown_timeout, ${whole} s${place === '' ? '' : ` (${place})`}: managers get less`;
  const hint = 'set it lower, so that requests and connections have time to end after the managers';
  return [{ group, opt, message, hint, severity: 'warning' }];
});

// Requests are served until the drain ends; those that remain have the rest of the graceful stop.
crossCheck((config: Config) => {
  const { drainDelay, gracefulShutdownTimeout: whole } = config.group('DEFAULT', launcherOptions, { partial: true });
  if (whole === 0 || drainDelay < whole) return [];
  const [group, opt] = ['DEFAULT', 'drain_delay'];
  const place = locationText(config.getLocation(group, 'graceful_shutdown_timeout'));
  const message = `is not below graceful_shutdown_timeout, ${whole} s${place === '' ? '' : ` (${place})`}: a stop accepts requests until its deadline and cuts them off`;
  const hint = 'set it lower, or graceful_shutdown_timeout to drain_delay and the time of the longest request';
  return [{ group, opt, message, hint, severity: 'warning' }];
});
