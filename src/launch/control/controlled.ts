/** The launcher as its control socket and admin listener see it. */
import type { Config } from '../../config/index.js';
import type { Logger, LogLevel } from '../../log/index.js';
import type { Totals } from '../../metrics/index.js';
import type { RegistryHooks } from '../../registry/index.js';
import type { Launchable } from '../../service/index.js';
import type { LauncherStatus } from '../launcher-status.js';
import type { Answer } from '../questions.js';
import type { ReloadReport } from '../reload/reload-report.js';
import type { Recent } from './recent.js';

/** A launcher, with what its program is called. */
export interface Controlled {
  /** The program. */
  readonly name: string;
  readonly version: string | undefined;
  readonly config: Config;
  readonly log: Logger;
  /** Figures of the last minute; undefined where requests are not counted. */
  readonly recent: Recent;
  /** Why the control socket or the admin listener is not there. */
  readonly notListening: readonly string[];
  status(): LauncherStatus;
  /** Reloads, by what came of them. */
  reloaded(): Readonly<Record<string, number>>;
  /** Does the same as SIGHUP. Undefined: a stop is under way. */
  reload(): Promise<ReloadReport | undefined>;
  /** The report of a reload that is not carried out. Undefined: a stop is under way. */
  dryRun(): Promise<ReloadReport | undefined>;
  stop(): void;
  /** The report of this process, that of its workers included. */
  report(): Promise<string>;
  readonly runner: {
    readonly generation: number;
    /** Counts of all serving processes. */
    counted(): Totals;
    readonly services: readonly Launchable[];
    readonly fleet?: Fleet | undefined;
  };
  readonly registryHooks: RegistryHooks;
}

/** An operator's actions on workers. */
export interface Fleet {
  scale(service: string, workers: number): Promise<void>;
  /** Replaces all workers, with the configuration in force. */
  restart(service: string): Promise<{ readonly replaced: number; readonly failures: readonly string[] }>;
  reportOf(pid: number): Promise<string | undefined>;
  setLogLevel(level: LogLevel, service: string | undefined): Promise<readonly Answer[]>;
  /** The OpenAPI document of a service, made by one of its workers. Undefined: none serves. */
  describe(service: string): Promise<Answer | undefined>;
}
