/**
 * The Launcher contract: runs services and owns the process's signals.
 */
import type { Config } from '../config/index.js';
import type { Logger } from '../log/index.js';
import type { ServiceBase } from '../service/index.js';
import type { RestartMethod } from './launch-arguments.js';
import type { LaunchSettings } from './launch-settings.js';
import type { HostProcess } from './process/host-process.js';

export interface Launcher {
  /** Settles when the service is ready: here, or in every one of its workers. */
  launchService(service: ServiceBase, options?: { workers?: number }): Promise<void>;
  /** Handles signals until all services stopped; gives the exit status. */
  wait(options?: { signal?: AbortSignal }): Promise<number>;
  /** Stops everything gracefully. Safe to call twice. */
  stop(): Promise<void>;
  /** What SIGHUP does. */
  restart(): Promise<void>;
}

/** What both launchers can be told. */
export interface LauncherOptions {
  /** Where the options of `[DEFAULT]` come from, and what SIGHUP reads again. Default: none, so all have their defaults. */
  readonly config?: Config;
  /** Default: a logger on standard error. */
  readonly log?: Logger;
  /** What SIGHUP does. Default: the option `restart_method`, else `reload`. */
  readonly restartMethod?: RestartMethod;
  /** False: no listener on the process, no claim on it, no exit: for embedding and tests. Default true. */
  readonly signals?: boolean;
  /** `wait()` ends with 0 once every service ended by itself. Default false: it waits for a stop. */
  readonly exitWhenIdle?: boolean;
  /** The program's name, in the process's title. Default: the file name of the main module. */
  readonly prog?: string;
  /** Settings that win over the configuration's. */
  readonly settings?: Partial<LaunchSettings>;
  /** The process to own. Default: this one. */
  readonly host?: HostProcess;
}
