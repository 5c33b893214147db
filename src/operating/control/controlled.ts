/** Interface of the launcher for its control socket and admin listener. */
import type { Config } from '../../config/index.js';
import type { OwnMetric, Totals } from '../../counts/index.js';
import type { Logger, LogLevel } from '../../log/index.js';
import type { ServicePlan } from '../../service/index.js';
import type { RegistryHooks } from '../../service/internal.js';
import type { Answer } from '../questions.js';
import type { LauncherStatus, ReloadReport } from '../status.js';
import type { LogLevels } from './overrides.js';

/** A launcher with the name of its application. */
export interface Controlled {
  /** Name of the application. */
  readonly name: string;
  readonly version: string | undefined;
  readonly config: Config;
  readonly log: Logger;
  readonly levels: LogLevels;
  /** Reasons why the control socket or the admin listener is missing. */
  readonly notListening: readonly string[];
  status(): LauncherStatus;
  /** Number of reloads by outcome. */
  reloaded(): Readonly<Record<string, number>>;
  /** Reloads as SIGHUP does. Returns undefined if a stop is in progress. */
  reload(): Promise<ReloadReport | undefined>;
  /** Returns the report of a dry run. Returns undefined if a stop is in progress. */
  dryRun(): Promise<ReloadReport | undefined>;
  stop(): void;
  /** Returns the report of this process, including those of its workers. */
  report(): Promise<string>;
  /** Reads the plans of the services: their apps as written in their paste files. */
  planned(): readonly PlannedApp[];
  readonly runner: {
    /** The configuration in force, counted from 1. */
    readonly generation: number;
    /** Totals of all serving processes. */
    counted(): Totals;
    /** Returns the gauges of the application in each serving process, which reports its increments first. */
    ownGauges?(): Promise<readonly (readonly OwnMetric[])[]>;
    /** Returns the response of a process that serves a service about it; undefined if there is none. */
    describe(service: string, topic: string, body: unknown): Promise<Answer | undefined>;
    readonly fleet?: Fleet | undefined;
  };
  readonly registryHooks: RegistryHooks;
}

/** The app of a service, as written in its paste file; undefined without one. */
export interface PlannedApp {
  readonly name: string;
  readonly app: ServicePlan['app'];
}

/** Operations on workers for operators. */
export interface Fleet {
  scale(service: string, workers: number): Promise<void>;
  /** Replaces all workers with the configuration in force. */
  restart(service: string): Promise<{ readonly replaced: number; readonly failures: readonly string[] }>;
  reportOf(pid: number): Promise<string | undefined>;
  setLogLevel(level: LogLevel, service: string | undefined): Promise<readonly Answer[]>;
}
