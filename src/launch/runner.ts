/** What a launcher needs of what runs its services: in its own process, or in workers. */
import type { Config } from '../config/index.js';
import type { LogFields, Logger } from '../log/index.js';
import type { Totals } from '../metrics/index.js';
import type { ServiceBase } from '../service/index.js';
import type { Controlled } from './control/control-routes.js';
import type { StopRequest } from './in-process/service-run.js';
import type { LaunchSettings, RestartMethod } from './launcher-options.js';
import type { ServiceStatus } from './launcher-status.js';
import type { ReloadResult } from './reload/reload-report.js';

/** What a runner is told of a reload. */
export interface ReloadRequest {
  readonly method: RestartMethod;
  /** Ends once all is judged and built: it gives what would come of the reload, and nothing is put in force. */
  readonly dryRun: boolean;
  readonly log: Logger;
  /** The settings of a configuration. */
  settings(config: Config | undefined): LaunchSettings;
  /** To be called when the new configuration is in force. */
  accepted(): void;
  /** Raised when a stop was asked for. */
  readonly stopped: AbortSignal;
  /** True when another reload was asked for: this one need not try for ever. */
  superseded(): boolean;
}

/** Runs the services of a launcher. */
export interface Runner {
  readonly settings: LaunchSettings;
  /** The configuration in force, counted from 1. */
  readonly generation: number;
  /** A supervisor watches this process, and tells the log and the service manager what concerns all workers. */
  readonly supervised: boolean;
  /** What an unhandled error is logged with, and how long requests under way may take to end after it. */
  readonly crash: { readonly facts: LogFields; readonly limitMs?: number };
  /** What reports are called by: the service, or the program. */
  readonly name: string;
  /** Those of this process. */
  readonly services: readonly ServiceBase[];
  /** In a supervisor: its workers, a line each. */
  workerLines?(): readonly string[];
  /** The time left of a stop that is under way, for people. */
  readonly remaining: string;
  status(): ServiceStatus[];
  /** What all that serves has counted. */
  counted(): Totals;
  /** The services as they were launched, here or in workers. */
  readonly launched: readonly ServiceBase[];
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
  /** What an operator can do with workers. */
  readonly fleet?: Controlled['runner']['fleet'];
}
