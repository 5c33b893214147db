/** Runs the periodic tasks of a service's managers while it serves. */
import type { Logger } from '../log/index.js';
import {
  type Clock,
  type JobList,
  PeriodicTasks,
  type PeriodicTasksOptions,
  type RunListener,
  type TaskGroup,
} from '../tasks/index.js';
import { PeriodicRunner, type PeriodicRunnerOptions } from '../tasks/internal.js';
import { formatDuration } from '../text/index.js';
import type { Manager } from './manager.js';
import type { Registration } from './registry-contract.js';

/** Options for the periodic tasks of managers: options of the same names in `[DEFAULT]`, and the dependencies of tasks. */
export interface ManagerPeriodicOptions
  extends Omit<PeriodicTasksOptions, 'log' | 'clock'>,
    Omit<PeriodicRunnerOptions, 'periodicIntervalMax'> {
  /** Default true. */
  readonly enable?: boolean;
  /** Maximum seconds between two passes. Default 60; 0: no passes. */
  readonly intervalMax?: number | null;
  /** Called at the end of each run. */
  readonly ran?: RunListener | undefined;
}

/** Dependencies of {@link ManagersPeriodicTasks}. */
export interface ManagersPeriodicTasksParts {
  readonly managers: readonly Manager[];
  /** Name of the service, before those of declared tasks. */
  readonly name: string;
  /** Returns the tasks that the managers and the app have declared. */
  readonly declared: () => readonly JobList[];
  readonly tasks: TaskGroup;
  readonly log: Logger;
  readonly clock: Clock;
  readonly periodic: ManagerPeriodicOptions;
  /** Holds the leases of tasks that run on one host only, unless `periodic` has a `lease`. */
  readonly registration: Registration | null;
}

/** Starts and stops the passes over the managers' tasks. */
export class ManagersPeriodicTasks {
  readonly #parts: ManagersPeriodicTasksParts;
  #runners: PeriodicRunner[] = [];

  constructor(parts: ManagersPeriodicTasksParts) {
    this.#parts = parts;
  }

  /** The tasks of the active runners. */
  get tasks(): readonly PeriodicTasks[] {
    return this.#runners.map(({ tasks }) => tasks);
  }

  start(): void {
    if (this.#enabled) this.#begin();
  }

  /** Prevents further passes and tasks. The task group handles running tasks; `tasks` still lists them. */
  stop(): void {
    for (const runner of this.#runners) runner.stop();
  }

  forget(): void {
    this.#runners = [];
  }

  /** Reports whether passes are enabled; an `intervalMax` of 0 disables them. */
  get #enabled(): boolean {
    const { enable = true, intervalMax } = this.#parts.periodic;
    return intervalMax !== 0 && enable;
  }

  #begin(): void {
    const { managers, declared, periodic } = this.#parts;
    for (const manager of managers) {
      const own = manager.periodicTasks ?? new PeriodicTasks(manager, this.#options);
      this.#run(own, periodic.fuzzyDelay ?? 60);
    }
    for (const list of declared()) this.#runDeclared(list);
  }

  /** Without a random delay before the first pass: a task may run at once, and its spacing begins now. */
  #runDeclared(list: JobList): void {
    if (list.empty) return;
    const own = new PeriodicTasks(list, { ...this.#options, label: this.#parts.name });
    list.addTo(own);
    this.#run(own, 0);
  }

  get #options(): PeriodicTasksOptions {
    const { periodic, log, clock, registration } = this.#parts;
    const { fuzzyDelay: _, intervalMax: __, context: ___, enable: ____, ran: _____, random, ...others } = periodic;
    const lease = registration?.lease?.bind(registration);
    return { ...(lease && { lease }), ...others, ...(random && { random }), log, clock };
  }

  #run(own: PeriodicTasks, fuzzyDelay: number): void {
    const { intervalMax = null, context, random, ran } = this.#parts.periodic;
    own.onRun = ran;
    const runner = new PeriodicRunner(own, {
      fuzzyDelay,
      periodicIntervalMax: intervalMax,
      ...(context && { context }),
      ...(random && { random }),
    });
    this.#runners.push(runner);
    runner.start(this.#parts.tasks);
  }
}

/** Returns the running tasks, a line each. */
export function describeJobs(all: readonly PeriodicTasks[]): string[] {
  const states = all.flatMap((tasks) => tasks.status()).filter(({ running }) => running);
  return states.map(({ name, runningFor = 0 }) => `job ${name} (since ${formatDuration(runningFor)})`);
}
