/**
 * Contract of a launcher, its options, and their checks. The checks run before any side effect: when one throws,
 * nothing was bound or started.
 */
import type { Change, Config } from '../config/index.js';
import { PorticoError, refuseUnknownOptions, whatItIs, withCode } from '../errors/index.js';
import type { LogOption } from '../log/index.js';
import type { Awaitable, Launchable, ServiceBase } from '../service/index.js';
import type { RegistryHooks } from '../service/internal.js';
import { isPlanned } from '../service/internal.js';
import { type LaunchSettings, type RestartMethod, readSettings } from './launcher-options.js';
import type { HostProcess } from './process/host-process.js';

/** Runs services and handles the signals of the process: `ProcessLauncher` in workers, `ServiceLauncher` in this process. */
export interface Launcher {
  /** Settles when the service is ready: here, or in every one of its workers. */
  launchService(service: ServiceBase, options?: { workers?: number }): Promise<void>;
  /** Handles signals until all services have stopped; returns the exit status. */
  wait(options?: { signal?: AbortSignal }): Promise<number>;
  /** Stops everything gracefully. Safe to call twice. */
  stop(): Promise<void>;
  /** Reloads as SIGHUP does. */
  restart(): Promise<void>;
}

/**
 * A service that an application requests, as its plan or as the object that runs, with its number of workers. For a running
 * service only plan and number of workers are used; the launched object stays.
 */
export interface LaunchRequest {
  readonly service: Launchable;
  readonly workers: number;
  /** Called when a service that a reload added serves, and the reload was accepted. */
  readonly added?: () => void;
}

/**
 * Called when a new configuration was read and is valid; may return the services to run. `next` still has the old
 * values of options that only a restart changes; `changes` also has the new ones. A dry run of a reload calls it too.
 */
export type OnReload = (
  next: Config | undefined,
  changes: readonly Change[],
) => Awaitable<readonly LaunchRequest[] | undefined>;

/** Options of both launchers. */
export interface LauncherOptions {
  /**
   * Configuration with the options of `[DEFAULT]`, which SIGHUP reads again. A process that will serve validates it after
   * the build of its service; the launch rejects with all errors. Default: none; all options have their defaults.
   */
  readonly config?: Config;
  /** Default: the log of the configuration (`config.log`), else one on standard error. */
  readonly log?: LogOption;
  /** Effect of SIGHUP. Default: the option `restart_method`, else `reload`. */
  readonly restartMethod?: RestartMethod;
  /** False: no listeners on the process, no claim on it, no exit; for embedding and tests. Default true. */
  readonly signals?: boolean;
  /** True: `wait()` ends with 0 when every service has ended by itself. Default false: it waits for a stop. */
  readonly exitWhenIdle?: boolean;
  /** Name of the application, in the process's title. Default: the file name of the main module. */
  readonly prog?: string;
  /** Settings that take precedence over the configuration. */
  readonly settings?: Partial<LaunchSettings>;
  /**
   * Hooks that run when an operator changes a service of the registry through this launcher, and may refuse the change.
   * Default: none.
   */
  readonly registry?: RegistryHooks;
  /**
   * Called on SIGHUP, when the new configuration was read and is valid; returns the services to run, each with its number
   * of workers. New ones are launched, missing ones ended, others resized. A rejection refuses the reload.
   */
  readonly onReload?: OnReload;
  /**
   * Called when a service did not start, with the error that `launchService` rejects with: for applications that report it
   * themselves. Default: one line in the log.
   */
  readonly startFailed?: ((service: string, error: unknown) => void) | undefined;
  /** The process to own. Default: this one. */
  readonly host?: HostProcess;
}

const VERBS = ['start', 'stop', 'wait', 'reset'] as const;

/**
 * Throws `TypeError` if the number of workers is not an integer, `RangeError` if it is below 1. Undefined and null mean
 * 1.
 */
export function checkWorkers(workers: unknown): number {
  if (workers === undefined || workers === null) return 1;
  if (typeof workers !== 'number' || !Number.isInteger(workers)) {
    throw withCode(new TypeError('Type of workers should be int!'), 'PORTICO_INVALID_WORKERS');
  }
  if (workers < 1) {
    throw withCode(new RangeError('Number of workers should be positive!'), 'PORTICO_INVALID_WORKERS');
  }
  return workers;
}

/** Throws `RangeError` for anything but `reload`, `mutate` and undefined. */
export function checkRestartMethod(method: unknown): void {
  if (method === undefined || method === 'reload' || method === 'mutate') return;
  throw withCode(new RangeError(`Invalid restart_method: ${printable(method)}`), 'PORTICO_INVALID_RESTART_METHOD');
}

const NAMES: Readonly<Record<keyof LauncherOptions, true>> = {
  config: true,
  log: true,
  restartMethod: true,
  signals: true,
  exitWhenIdle: true,
  prog: true,
  settings: true,
  registry: true,
  onReload: true,
  startFailed: true,
  host: true,
};

/**
 * Throws `PORTICO_LAUNCHER_OPTION` for invalid options of a launcher, and as {@link checkRestartMethod}. `own`: options
 * that this launcher has in addition to those of all launchers.
 */
export function checkLauncherOptions<O extends LauncherOptions>(
  options: O,
  launcher: string,
  own: Readonly<Record<Exclude<keyof O, keyof LauncherOptions>, true>>,
): void {
  const refuse = (what: string, value: unknown, wanted: string, hint: string): void => {
    const message = `${what} of a launcher is ${whatItIs(value)}, not ${wanted}`;
    throw new PorticoError('PORTICO_LAUNCHER_OPTION', { message, hint });
  };
  if (typeof options !== 'object' || options === null) {
    refuse('the argument', options, 'an object of options', 'Write { config, log }.');
  }
  const { config, restartMethod } = options as Partial<Record<keyof LauncherOptions, unknown>>;
  if (config !== undefined && typeof (config as Config | null)?.group !== 'function') {
    refuse('config', config, 'a Config', 'Write config: await Config.load().');
  }
  const unknown = (what: string, given: object, names: object): void =>
    refuseUnknownOptions('PORTICO_LAUNCHER_OPTION', what, given, Object.keys(names));
  unknown(launcher, options, { ...NAMES, ...own });
  if (options.settings) unknown(`the object settings of ${launcher}`, options.settings, readSettings());
  checkRestartMethod(restartMethod);
}

/** Throws `TypeError` for a value that lacks one of the four methods of a service, and names the missing ones. */
export function checkService(service: unknown): ServiceBase {
  const candidate = service as Partial<Record<(typeof VERBS)[number], unknown>> | null | undefined;
  const missing = VERBS.filter((verb) => typeof candidate?.[verb] !== 'function');
  if (missing.length === 0) return service as ServiceBase;
  const message = `Service ${printable(service)} must be an instance of ServiceBase! Missing: ${missing.join(', ')}.`;
  throw withCode(new TypeError(message), 'PORTICO_NOT_A_SERVICE');
}

/** Throws as {@link checkService} for a value that is neither a service nor a plan. */
export function checkLaunchable(service: Launchable): Launchable {
  return isPlanned(service) ? service : checkService(service);
}

/** Returns the name of a service within its launcher. */
export function serviceName(service: Launchable): string {
  return service.name || service.constructor.name || 'service';
}

function printable(given: unknown): string {
  if (typeof given === 'function') return given.name || 'function';
  if (typeof given !== 'object' || given === null) return String(given);
  const named = given as { name?: unknown };
  if (typeof named.name === 'string' && named.name !== '') return named.name;
  return Object.getPrototypeOf(given)?.constructor?.name ?? 'object';
}
