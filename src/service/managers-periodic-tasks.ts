/** Runs the periodic tasks of a service's managers while it serves, according to the current configuration. */
import type { Logger } from '../log/index.js';
import {
  type Clock,
  PeriodicRunner,
  type PeriodicRunnerOptions,
  PeriodicTasks,
  type PeriodicTasksOptions,
  type TaskGroup,
} from '../tasks/index.js';
import type { Manager, Registration } from './manager.js';

/** Options for the periodic tasks of managers: options of the same names in `[DEFAULT]`, and the dependencies of tasks. */
export interface ManagerPeriodicOptions
  extends Omit<PeriodicTasksOptions, 'log' | 'clock'>,
    Omit<PeriodicRunnerOptions, 'periodicIntervalMax'> {
  /** Default true. A function is called at the start and after each change of the configuration. */
  readonly enable?: boolean | (() => boolean);
  /** Maximum seconds between two passes. Default 60; 0: no passes. */
  readonly intervalMax?: number | null;
}

/** Dependencies of {@link ManagersPeriodicTasks}. */
export interface ManagersPeriodicTasksParts {
  readonly managers: readonly Manager[];
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
  /** Tasks of each manager, kept during a pause with their running tasks, last runs and spacing. */
  readonly #tasks = new Map<Manager, PeriodicTasks>();
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
    const { periodic, managers, tasks, log, clock, registration } = this.#parts;
    const { fuzzyDelay = 60, intervalMax = null, context, random, enable: _, ...others } = periodic;
    const lease = registration?.lease?.bind(registration);
    const options = { ...(lease && { lease }), ...others, ...(random && { random }), log, clock };
    for (const manager of managers) {
      const own = manager.periodicTasks ?? this.#tasks.get(manager) ?? new PeriodicTasks(manager, options);
      this.#tasks.set(manager, own);
      const runner = new PeriodicRunner(own, {
        fuzzyDelay,
        periodicIntervalMax: intervalMax,
        ...(context && { context }),
        ...(random && { random }),
      });
      this.#runners.push(runner);
      runner.start(tasks);
    }
  }
}
