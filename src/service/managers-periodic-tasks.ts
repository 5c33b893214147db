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
import { PeriodicRunner, type PeriodicRunnerOptions, within } from '../tasks/internal.js';
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
  /** Returns the tasks that the managers and the app have declared; an app that replaces another one has its own. */
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
  readonly #lists = new Set<JobList>();
  /** The end of a replaced app's runs, if there are any; tasks of the next app begin after it. */
  #ending: Promise<void> | undefined;
  /** Aborted at the end of a stop, when nothing waits for runs any more. */
  #over = new AbortController();
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

  /** Starts or stops the passes after a change of the configuration, or of the app. */
  follow(): void {
    this.#replaceDeclared();
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
    this.#lists.clear();
    this.#over.abort();
    this.#over = new AbortController();
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
    this.#lists.add(list);
    this.#run(list, own, 0);
  }

  /**
   * Ends the tasks of an app that is replaced. Settles when their runs have ended, when the limit has passed, or at the end of the
   * service's stop. Tasks that are declared later begin after that.
   */
  end(lists: readonly JobList[], { deadlineMs = 0 }: { readonly deadlineMs?: number } = {}): Promise<void> {
    const ended = lists.flatMap((list) => this.#tasks.get(list) ?? []);
    for (const list of lists) {
      this.#lists.delete(list);
      this.#tasks.delete(list);
    }
    for (const runner of this.#runners) if (ended.includes(runner.tasks)) runner.stop();
    this.#runners = this.#runners.filter(({ tasks }) => !ended.includes(tasks));
    const { clock, log, name } = this.#parts;
    const running = (): string[] => ended.flatMap((tasks) => tasks.running);
    const left = (): void => {
      const names = running();
      if (names.length > 0) log.warn(`${name}: tasks of a replaced app still run: ${names.join(', ')}`);
    };
    const runs = Promise.all(ended.map((tasks) => tasks.settled()));
    const limit = { ms: deadlineMs || Number.POSITIVE_INFINITY, clock, signal: this.#over.signal, unref: true };
    const ending: Promise<void> = Promise.all([this.#ending, within(runs, limit, left)]).then(() => {
      if (this.#ending === ending) this.#ending = undefined;
    });
    if (running().length > 0) this.#ending = ending;
    return ending;
  }

  /** Begins the tasks of an app that has replaced another one. */
  #replaceDeclared(): void {
    if (!this.#serving || this.#runners.length === 0) return;
    for (const list of this.#parts.declared()) if (!this.#lists.has(list)) this.#runDeclared(list);
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
    const start = (): void => {
      if (this.#serving && this.#runners.includes(runner)) runner.start(this.#parts.tasks);
    };
    if (this.#ending !== undefined && this.#lists.has(owner as JobList)) void this.#ending.then(start);
    else start();
  }
}

/** Returns the running tasks, a line each. */
export function describeJobs(all: readonly PeriodicTasks[]): string[] {
  const states = all.flatMap((tasks) => tasks.status()).filter(({ running }) => running);
  return states.map(({ name, runningFor = 0 }) => `job ${name} (since ${formatDuration(runningFor)})`);
}
