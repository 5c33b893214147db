/**
 * Interface between a launcher and the runner of its services: in its own process, or in workers.
 */

import type { OwnMetric, Totals } from '../counts/index.js';
import type { LogFields } from '../log/index.js';
import type { Answer, ServiceStatus } from '../operating/index.js';
import type { Fleet } from '../operating/internal.js';
import type { Launchable, ServiceBase } from '../service/index.js';
import type { LaunchSettings } from './launcher-options.js';
import type { ReloadSteps } from './reload/reload.js';
import type { StopRequest } from './services/service-run.js';

/** Runs the services of a launcher. */
export interface Runner {
  readonly settings: LaunchSettings;
  /** The current configuration, counted from 1. */
  readonly generation: number;
  /**
   * True if a supervisor watches this process, and reports to the log and the service manager what concerns all
   * workers.
   */
  readonly supervised: boolean;
  /** Fields of the log line of an unhandled error, and the time that requests in progress have to end after it. */
  readonly crash: { readonly facts: LogFields; readonly limitMs?: number };
  /** Name for reports: the service, or the application. */
  readonly name: string;
  /** Services that run in this process: none in a parent of workers. */
  readonly ownServices: readonly ServiceBase[];
  /** Services as they were launched, here or in workers. */
  readonly services: readonly Launchable[];
  /** Returns the workers of a supervisor, one line each. */
  workerLines?(): readonly string[];
  /** Remaining time of the stop in progress, as text. */
  readonly remaining: string;
  status(): ServiceStatus[];
  /** Services that a reload has removed and that have not ended, a line each. */
  ending?(): string[] | undefined;
  /** Totals of all serving processes. */
  counted(): Totals;
  /** Returns the gauges of the application in each serving process, after the totals have what it has counted. */
  ownGauges(): Promise<readonly (readonly OwnMetric[])[]>;
  /** Status line for the service manager. */
  summary(): string;
  /** Reports whether every serving process has sent a recent heartbeat; `limitMs`: the least age that is tolerated. */
  answers(limitMs: number): boolean;
  /** Called when the launcher has begun to listen to the signals of its process. */
  signalsTaken?(): void;
  /** Called when every launched service is ready for the first time. `since`: start of the launch. */
  allReady(since: number): void;
  /** In a worker, in place of a reload: asks the parent for a fresh worker with its configuration. */
  readonly requestReplacement?: ((reason: string) => void) | undefined;
  /** Returns the steps of a reload that depend on where the services run. */
  reloadSteps(): ReloadSteps;
  /**
   * Stops all services gracefully; returns the exit status. `superseded` is aborted when a stop with less time replaces
   * it.
   */
  stop(request: StopRequest, superseded: AbortSignal): Promise<number>;
  /** Ends everything at once. */
  halt(): Promise<void>;
  /** Adds or removes one worker of each service. */
  resize?(by: 1 | -1): void;
  /** Tells workers to reopen their log file. */
  reopenLogs?(): void;
  /** Returns the response of a process that serves a service about it; undefined if there is none. */
  describe(service: string, topic: string, body: unknown): Promise<Answer | undefined>;
  /** Operations on workers for operators. */
  readonly fleet?: Fleet | undefined;
}
