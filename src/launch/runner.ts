/**
 * Interface between a launcher and the runner of its services: in its own process, or in workers.
 */
import type { LogFields } from '../log/index.js';
import type { Totals } from '../metrics/index.js';
import type { Launchable, ServiceBase } from '../service/index.js';
import type { Fleet } from './control/controlled.js';
import type { LaunchSettings } from './launcher-options.js';
import type { ServiceStatus } from './launcher-status.js';
import type { ReloadRequest } from './reload/reload.js';
import type { ReloadResult } from './reload/reload-report.js';
import type { StopRequest } from './services/service-run.js';

/** Runs the services of a launcher. */
export interface Runner {
  readonly settings: LaunchSettings;
  /** The configuration in force, counted from 1. */
  readonly generation: number;
  /** A supervisor watches this process, and tells the log and the service manager what concerns all workers. */
  readonly supervised: boolean;
  /** Facts in the log line of an unhandled error, and the time that requests under way have to end after it. */
  readonly crash: { readonly facts: LogFields; readonly limitMs?: number };
  /** Name for reports: the service, or the program. */
  readonly name: string;
  /** The services that run in this process: none in a parent of workers. */
  readonly ownServices: readonly ServiceBase[];
  /** The services as they were launched, here or in workers. */
  readonly services: readonly Launchable[];
  /** In a supervisor: its workers, a line each. */
  workerLines?(): readonly string[];
  /** The time left of a stop that is under way, for people. */
  readonly remaining: string;
  status(): ServiceStatus[];
  /** Counts of all serving processes. */
  counted(): Totals;
  /** One line for the service manager. */
  summary(): string;
  /** Whether all that serves has given a sign of life lately; `limitMs`: within that time at least. */
  answers(limitMs: number): boolean;
  /** The launcher listens to the signals of its process from now on. */
  signalsTaken?(): void;
  /** Every service that was launched is ready for the first time. `since`: when the launch began. */
  allReady(since: number): void;
  /** Gives what came of it; never rejects. */
  reload(request: ReloadRequest): Promise<ReloadResult>;
  /** Stops all services gracefully; gives the exit status. `superseded` is raised when a stop that has less time takes its place. */
  stop(request: StopRequest, superseded: AbortSignal): Promise<number>;
  /** Ends all at once. */
  halt(): Promise<void>;
  /** One worker more or fewer for each service. */
  resize?(by: 1 | -1): void;
  /** Tells workers to open their log file anew. */
  reopenLogs?(): void;
  /** An operator's actions on workers. */
  readonly fleet?: Fleet | undefined;
}
