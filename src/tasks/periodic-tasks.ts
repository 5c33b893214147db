/** The periodic tasks of one object, passes over them, and a runner that makes passes while a service runs. */

import { setMaxListeners } from 'node:events';
import { refuseUnknownOptions } from '../errors/index.js';
import { createLogger, type Logger } from '../log/index.js';
import { type Clock, pause, systemClock } from './clock.js';
import { checkFunction, type DynamicLoopingCall, type TaskContext } from './loop-kinds.js';
import { type LastRuns, PeriodicSlot, type PeriodicStatus, type RunListener } from './periodic-slot.js';
import { checkedOptions, DEFAULT_INTERVAL, type PeriodicTaskOptions, periodicOptions } from './periodic-task.js';
import type { TaskGroup } from './task-group.js';

/** Options of {@link PeriodicTasks}. */
export interface PeriodicTasksOptions {
  /** Argument for `enabled` functions. */
  readonly conf?: unknown;
  /** The option `run_external_periodic_tasks`, read in every pass. Default true. */
  readonly runExternalPeriodicTasks?: boolean | (() => boolean);
  /** Number of this worker in its service. Default 0. */
  readonly workerId?: number;
  /** Takes or renews the lease of a task with `exclusive: 'cluster'`; false if another host holds it. */
  readonly lease?: (task: string, seconds: number) => Promise<boolean>;
  /** Keeps the schedules of tasks over reloads. Default: they begin anew. A task with `runImmediately` runs at each start. */
  readonly lastRuns?: LastRuns;
  /** Owner of its tasks, before their names in logs and leases. Default: the class of the object. */
  readonly label?: string;
  /** Default: standard error, with the name `periodic`. */
  readonly log?: Logger;
  /** The clock for times and timers. Default: the system's. */
  readonly clock?: Clock;
  /** Returns random numbers in [0, 1). Default: `Math.random`. */
  readonly random?: () => number;
}

/** The function of a periodic task. It receives the context of the pass and the signal. */
export type TaskFunction = (context: unknown, options: TaskContext) => unknown;

const NAMES: readonly (keyof PeriodicTasksOptions)[] = [
  'conf',
  'runExternalPeriodicTasks',
  'workerId',
  'lease',
  'lastRuns',
  'label',
  'log',
  'clock',
  'random',
];

/** Options of a pass. */
export interface PassOptions {
  /** True: the first error ends the pass and is thrown. Default false: it is logged, and the other tasks run. */
  readonly raiseOnError?: boolean;
  /** Aborted when the service stops: no further task of the pass starts. */
  readonly signal?: AbortSignal;
}

/**
 * Collects the methods of `owner` marked with `@periodicTask`: methods of parent classes first, in the order of definition. An override
 * replaces the inherited task and, if marked, its options.
 */
export class PeriodicTasks {
  /** Called at the end of each run. Set by the service of its owner, for metrics. */
  onRun: RunListener | undefined = undefined;
  readonly #owner: object;
  readonly #options: PeriodicTasksOptions;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #slots: PeriodicSlot[] = [];

  constructor(owner: object, options: PeriodicTasksOptions = {}) {
    refuseUnknownOptions('PORTICO_INVALID_OPTION', 'a PeriodicTasks', options, NAMES);
    this.#owner = owner;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log ?? createLogger({ base: { name: 'periodic' } });
    for (const { key, settings } of marked(owner)) {
      const call: TaskFunction = (...args) => (owner as Record<PropertyKey, CallableFunction>)[key]!(...args);
      this.#add(settings.name ?? String(key), call, settings);
    }
  }

  /** True if there are no tasks. */
  get empty(): boolean {
    return this.#slots.length === 0;
  }

  /** Names and spacings in seconds. */
  get described(): readonly { readonly name: string; readonly spacing: number }[] {
    return this.#slots.map(({ name, spacing }) => ({ name, spacing }));
  }

  /** Adds a task to this object only. It is called with the context of the pass and `{ signal }`. */
  addPeriodicTask(fn: TaskFunction, options: PeriodicTaskOptions = {}): void {
    checkFunction(fn, 'a periodic task');
    const settings = { ...periodicOptions(fn), ...checkedOptions(options) };
    const name = settings.name ?? (fn.name === '' ? `task-${this.#slots.length + 1}` : fn.name);
    this.#add(name, (context, rest) => fn.call(this.#owner, context, rest), settings);
  }

  /** Changes the spacing of a task, effective at the next pass. Returns false for an unknown name. */
  setSpacing(name: string, seconds: number): boolean {
    checkedOptions({ spacing: seconds });
    const slot = this.#slots.find((candidate) => candidate.name === name);
    if (slot === undefined) return false;
    slot.spacing = seconds === 0 ? DEFAULT_INTERVAL : seconds;
    return true;
  }

  /**
   * Makes one pass: runs the due tasks one after another and returns the seconds until the next pass, at most 60. An error is logged,
   * and the other tasks run; the failed task keeps its schedule.
   */
  async runPeriodicTasks(context?: unknown, options: PassOptions = {}): Promise<number> {
    let idle = DEFAULT_INTERVAL;
    // Each run listens to the signal, including runs of earlier passes that continue. Node warns about a leak above ten listeners.
    if (options.signal !== undefined) setMaxListeners(0, options.signal);
    const slots = this.#slots.filter((slot) => this.#isHere(slot));
    const began = this.#now();
    for (const slot of slots) slot.begin(began);
    for (const slot of slots) {
      if (options.signal?.aborted === true) break;
      const now = this.#now();
      idle = Math.min(idle, slot.spacing);
      const remaining = slot.remaining(now);
      if (remaining > 0) {
        idle = Math.min(idle, remaining);
        continue;
      }
      if (slot.running) continue;
      this.#log.debug(`Running periodic task ${slot.fullName}`);
      slot.advance(now);
      await slot.run(context, options);
      // Lets other work run between two tasks.
      await pause(0, { clock: this.#clock });
    }
    return idle;
  }

  /** Returns the seconds until a task should begin, after a pass: the runs of the pass have taken time, which its result leaves out. */
  untilNext(): number {
    const now = this.#now();
    return Math.min(...this.#slots.filter((slot) => this.#isHere(slot)).map((slot) => slot.ahead(now)));
  }

  /** Settles when no task is running. */
  async settled(): Promise<void> {
    await Promise.all(this.#slots.map((slot) => slot.settled));
  }

  /** Names of the tasks that run now. */
  get running(): string[] {
    return this.#slots.flatMap((slot) => (slot.running ? slot.name : []));
  }

  /** Returns each task with its last and next run, for reports and the admin view. */
  status(): PeriodicStatus[] {
    return this.#slots.map((slot) => slot.status(this.#now()));
  }

  #add(name: string, call: TaskFunction, settings: PeriodicTaskOptions): void {
    const skip = this.#reasonToSkip(settings);
    if (skip !== undefined) {
      this.#log.info(`Skipping periodic task ${name} because ${skip}`);
      return;
    }
    if (settings.scope === 'first-worker' && (this.#options.workerId ?? 0) !== 0) return;
    const slot = new PeriodicSlot({
      name,
      fullName: `${this.#options.label ?? this.#owner.constructor.name}.${name}`,
      call,
      settings,
      log: this.#log,
      clock: this.#clock,
      random: this.#options.random ?? Math.random,
      lease: this.#options.lease,
      lastRuns: this.#options.lastRuns,
      ran: (...run) => this.onRun?.(...run),
    });
    const existing = this.#slots.findIndex((candidate) => candidate.name === name);
    if (existing === -1) this.#slots.push(slot);
    else this.#slots[existing] = slot;
  }

  #reasonToSkip({ enabled = true, spacing = 0 }: PeriodicTaskOptions): string | undefined {
    if (spacing < 0) return 'its interval is negative';
    const runs = typeof enabled === 'function' ? enabled(this.#options.conf) : enabled;
    return runs ? undefined : 'it is disabled';
  }

  /** Reports whether this process runs the task, and not an external one. */
  #isHere(slot: PeriodicSlot): boolean {
    if (slot.settings.externalProcessOk !== true) return true;
    const { runExternalPeriodicTasks: option = true } = this.#options;
    return typeof option === 'function' ? option() : option;
  }

  #now(): number {
    return this.#clock.now() / 1000;
  }
}

interface MarkedMethod {
  readonly key: PropertyKey;
  readonly settings: PeriodicTaskOptions;
}

/** Returns the marked methods of an object's prototypes, parents first; at most one for each property and each name. */
function marked(owner: object): MarkedMethod[] {
  const chain: object[] = [];
  for (let proto = Object.getPrototypeOf(owner) as object | null; proto !== null; ) {
    chain.unshift(proto);
    proto = Object.getPrototypeOf(proto) as object | null;
  }
  const found: MarkedMethod[] = [];
  for (const proto of chain) {
    for (const key of Reflect.ownKeys(proto)) {
      const settings = periodicOptions(Object.getOwnPropertyDescriptor(proto, key)?.value);
      if (settings === undefined) continue;
      const name = settings.name ?? String(key);
      const earlier = found.findIndex((one) => one.key === key || (one.settings.name ?? String(one.key)) === name);
      if (earlier === -1) found.push({ key, settings });
      else found[earlier] = { key, settings };
    }
  }
  return found;
}

/** Options of `PeriodicRunner`. Times are in seconds. */
export interface PeriodicRunnerOptions {
  /** Returns the context for the tasks. Called for each pass. */
  readonly context?: () => unknown;
  /** Maximum time between two passes. Default: 60, the maximum that a pass returns. */
  readonly periodicIntervalMax?: number | null;
  /**
   * The first pass starts after a random part of this time, so that the processes of a fleet do not start in step. Default 60; 0: at
   * once.
   */
  readonly fuzzyDelay?: number;
  /** Returns random numbers in [0, 1). Default: `Math.random`. */
  readonly random?: () => number;
}

const RUNNER_NAMES: readonly (keyof PeriodicRunnerOptions)[] = [
  'context',
  'periodicIntervalMax',
  'fuzzyDelay',
  'random',
];

/**
 * Runs {@link PeriodicTasks} in a task group until the group stops: then no further task starts, the signal of the running one is
 * aborted, and the group awaits it like its other tasks.
 */
export class PeriodicRunner {
  readonly tasks: PeriodicTasks;
  readonly #options: PeriodicRunnerOptions;
  #timer: DynamicLoopingCall<[]> | undefined;

  constructor(tasks: PeriodicTasks, options: PeriodicRunnerOptions = {}) {
    refuseUnknownOptions('PORTICO_INVALID_OPTION', 'a PeriodicRunner', options, RUNNER_NAMES);
    this.tasks = tasks;
    this.#options = options;
  }

  get running(): boolean {
    return this.#timer?.running ?? false;
  }

  /** Adds the passes to a group. Does nothing without tasks, or if already running. */
  start(group: TaskGroup): void {
    if (this.tasks.empty || this.running) return;
    const { fuzzyDelay = 60, random = Math.random, periodicIntervalMax = null, context } = this.#options;
    const run = async ({ signal }: TaskContext): Promise<number> => {
      const idle = await this.tasks.runPeriodicTasks(context?.(), { signal });
      if (signal.aborted) await this.tasks.settled();
      return Math.min(idle, this.tasks.untilNext());
    };
    const initialDelay = fuzzyDelay * random();
    const { tasks } = this;
    // Read when a log or a report names the timer.
    const periodicTasks = Object.defineProperty(run, 'name', {
      get: () => (tasks.running.length === 0 ? 'periodicTasks' : tasks.running.map((name) => `job ${name}`).join(', ')),
    });
    this.#timer = group.addDynamicTimer(periodicTasks, { initialDelay, periodicIntervalMax, stopOnException: false });
  }

  /** Prevents further passes and tasks. The group handles running ones. */
  stop(): void {
    this.#timer?.stop('shutdown');
  }
}
