/** Interface of the launcher for its control socket and admin listener. */
import type { Config } from '../../config/index.js';
import type { Logger } from '../../log/index.js';
import type { RegistryHooks } from '../../registry/index.js';
import type { LauncherStatus } from '../launcher-status.js';
import type { ReloadReport } from '../reload/reload-report.js';
import type { Runner } from '../runner.js';
import type { LogLevels } from './overrides.js';
import type { Recent } from './recent.js';

/** A launcher with the name of its program. */
export interface Controlled {
  /** Name of the program. */
  readonly name: string;
  readonly version: string | undefined;
  readonly config: Config;
  readonly log: Logger;
  /** Figures of the last minute; undefined if requests are not counted. */
  readonly recent: Recent;
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
  readonly runner: Pick<Runner, 'generation' | 'counted' | 'services' | 'fleet'>;
  readonly registryHooks: RegistryHooks;
}
