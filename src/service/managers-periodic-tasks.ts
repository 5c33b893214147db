/** Runs the periodic tasks of a service's managers while it serves, according to the current configuration. */
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
import type { Manager, Registration } from './manager.js';

/** Options for the periodic tasks of managers: options of the same names in `[DEFAULT]`, and the dependencies of tasks. */
export interface ManagerPeriodicOptions
  extends Omit<PeriodicTasksOptions, 'log' | 'clock'>,
    Omit<PeriodicRunnerOptions, 'periodicIntervalMax'> {
  /** Default true. A function is called at the start and after each change of the configuration. */
  readonly enable?: boolean | (() => boolean);
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
  /** Tasks of each manager and each list, kept during a pause with their running tasks, last runs and spacing. */
  readonly #tasks = new Map<Manager | JobList, PeriodicTasks>();
  /** True between `start` and `stop`. */
  #serving = false;

  constructor(parts: ManagersPeriodicTasksParts) {
    this.#parts = parts;
  }

  /** The tasks of the active runners. */
  get tasks(): readonly PeriodicTasks[] {
    return this.#runners.map(({ tasks }) => tasks);
  }

  start(): void {
    this.#serving = true;
    if (this.#enabled) this.#begin();
  }

  /** Starts or stops the passes after a change of the configuration. */
  follow(): void {
    const runs = this.#runners.length > 0;
    if (!this.#serving || runs === this.#enabled) return;
    if (!runs) this.#begin();
    else for (const runner of this.#runners.splice(0)) runner.stop();
  }

  /** Prevents further passes and tasks. The task group handles running tasks; `tasks` still lists them. */
  stop(): void {
    this.#serving = false;
    for (const runner of this.#runners) runner.stop();
  }

  forget(): void {
    this.#runners = [];
    this.#tasks.clear();
  }

  /** Reports whether passes are enabled; an `intervalMax` of 0 disables them. */
  get #enabled(): boolean {
    const { enable = true, intervalMax } = this.#parts.periodic;
    return intervalMax !== 0 && (typeof enable === 'function' ? enable() : enable);
  }

  #begin(): void {
    const { managers, declared, periodic } = this.#parts;
    for (const manager of managers) {
      const own = manager.periodicTasks ?? this.#tasks.get(manager) ?? new PeriodicTasks(manager, this.#options);
      this.#run(manager, own, periodic.fuzzyDelay ?? 60);
    }
    for (const list of declared()) this.#runDeclared(list);
  }

  /** Without a random delay before the first pass: a task may run at once, and its spacing begins now. */
  #runDeclared(list: JobList): void {
    if (list.empty) return;
    const own = this.#tasks.get(list) ?? new PeriodicTasks(list, { ...this.#options, label: this.#parts.name });
    if (own.empty) list.addTo(own);
    this.#run(list, own, 0);
  }

  get #options(): PeriodicTasksOptions {
    const { periodic, log, clock, registration } = this.#parts;
    const { fuzzyDelay: _, intervalMax: __, context: ___, enable: ____, ran: _____, random, ...others } = periodic;
    const lease = registration?.lease?.bind(registration);
    return { ...(lease && { lease }), ...others, ...(random && { random }), log, clock };
  }

  #run(owner: Manager | JobList, own: PeriodicTasks, fuzzyDelay: number): void {
    const { intervalMax = null, context, random, ran } = this.#parts.periodic;
    this.#tasks.set(owner, own);
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
