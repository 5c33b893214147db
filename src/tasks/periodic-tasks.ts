/**
 * The periodic tasks of one object, passes over them, and a runner that makes passes as long as a service runs.
 */

import { setMaxListeners } from 'node:events';
import { refuseUnknownOptions } from '../errors/index.js';
import { createLogger, type Logger } from '../log/index.js';
import { type Clock, pause, systemClock } from './clock.js';
import type { DynamicLoopingCall } from './loop-kinds.js';
import { checkFunction, type TaskContext } from './looping-call.js';
import {
  checkedOptions,
  DEFAULT_INTERVAL,
  PeriodicSlot,
  type PeriodicStatus,
  type PeriodicTaskOptions,
  periodicOptions,
} from './periodic-task.js';
import type { TaskGroup } from './task-group.js';

/** Surroundings of an object's tasks. */
export interface PeriodicTasksOptions {
  /** Handed to `enabled` where that is a function. */
  readonly conf?: unknown;
  /** The option `run_external_periodic_tasks`, asked in every pass. Default true. */
  readonly runExternalPeriodicTasks?: boolean | (() => boolean);
  /** Number of this worker in its service. Default 0. */
  readonly workerId?: number;
  /** Takes or keeps the lease of a task that is exclusive in the cluster; false when another host has it. */
  readonly lease?: (task: string, seconds: number) => Promise<boolean>;
  /** Default: standard error, under the name `periodic`. */
  readonly log?: Logger;
  /** Times and timers. Default: those of the system. */
  readonly clock?: Clock;
  /** Uniform in [0, 1). Default: `Math.random`. */
  readonly random?: () => number;
}

/** A periodic task's code: given the context of the pass, and what tells it to end. */
export type TaskFunction = (context: unknown, options: TaskContext) => unknown;

const NAMES: readonly (keyof PeriodicTasksOptions)[] = [
  'conf',
  'runExternalPeriodicTasks',
  'workerId',
  'lease',
  'log',
  'clock',
  'random',
];

/** How a pass is made. */
export interface PassOptions {
  /** True: the first error ends the pass and is thrown. Default false: logged, the others run. */
  readonly raiseOnError?: boolean;
  /** Aborted when the service stops: no further task of the pass begins. */
  readonly signal?: AbortSignal;
}

/**
 * Collects the methods of `owner` marked with `@periodicTask`: parents' first, in the order of definition. An override
 * takes the place of what it overrides, and its options where it has none of its own.
 */
export class PeriodicTasks {
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

  /** True when there is nothing to run. */
  get empty(): boolean {
    return this.#slots.length === 0;
  }

  /** Adds a task to this object alone. It is called with the context of the pass and `{ signal }`. */
  addPeriodicTask(fn: TaskFunction, options: PeriodicTaskOptions = {}): void {
    checkFunction(fn, 'a periodic task');
    const settings = { ...periodicOptions(fn), ...checkedOptions(options) };
    const name = settings.name ?? (fn.name === '' ? `task-${this.#slots.length + 1}` : fn.name);
    this.#add(name, (context, rest) => fn.call(this.#owner, context, rest), settings);
  }

  /** Changes how often a task runs, from its next run on. False when there is none of that name. */
  setSpacing(name: string, seconds: number): boolean {
    checkedOptions({ spacing: seconds });
    const slot = this.#slots.find((candidate) => candidate.name === name);
    if (slot === undefined) return false;
    slot.spacing = seconds === 0 ? DEFAULT_INTERVAL : seconds;
    return true;
  }

  /**
   * One pass: runs what is due, one after another, and gives the seconds to idle until the next pass, at most 60.
   * An error is logged and does not bring the task forward; the others still run.
   */
  async runPeriodicTasks(context?: unknown, options: PassOptions = {}): Promise<number> {
    let idle = DEFAULT_INTERVAL;
    // Each run has an ear on it, also those of the passes before that still go on: Node takes more than ten for a leak.
    if (options.signal !== undefined) setMaxListeners(0, options.signal);
    for (const slot of this.#slots) {
      if (options.signal?.aborted === true) break;
      if (slot.settings.externalProcessOk === true && !this.#runsExternal()) continue;
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
      // One turn of the event loop for other work between two tasks.
      await pause(0, { clock: this.#clock });
    }
    return idle;
  }

  /** Settles when no concurrent task is running any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#slots.map((slot) => slot.settled));
  }

  /** Each task with its last run and its next, for reports and the admin view. */
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
      fullName: `${this.#owner.constructor.name}.${name}`,
      call,
      settings,
      log: this.#log,
      clock: this.#clock,
      random: this.#options.random ?? Math.random,
      lease: this.#options.lease,
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

  #runsExternal(): boolean {
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

/** The marked methods of an object's prototypes, parents first; one for each property and for each name. */
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

/** How passes are spaced. Times in seconds. */
export interface PeriodicRunnerOptions {
  /** Handed to every task. Called for each pass. */
  readonly context?: () => unknown;
  /** The longest time between two passes. Default: 60, what a pass asks for at most. */
  readonly periodicIntervalMax?: number | null;
  /** The first pass comes after a random part of this, so that a fleet does not begin in step. Default 60; 0: at once. */
  readonly fuzzyDelay?: number;
  /** Uniform in [0, 1). Default: `Math.random`. */
  readonly random?: () => number;
}

const RUNNER_NAMES: readonly (keyof PeriodicRunnerOptions)[] = [
  'context',
  'periodicIntervalMax',
  'fuzzyDelay',
  'random',
];

/**
 * Drives {@link PeriodicTasks} from a task group, whose stop ends it: no further task begins, the one that is running
 * is told by its signal and awaited as the group's tasks are.
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

  /** Adds the passes to a group. Nothing happens when there are no tasks, or when it runs already. */
  start(group: TaskGroup): void {
    if (this.tasks.empty || this.running) return;
    const { fuzzyDelay = 60, random = Math.random, periodicIntervalMax = null, context } = this.#options;
    const periodicTasks = async ({ signal }: TaskContext): Promise<number> => {
      const idle = await this.tasks.runPeriodicTasks(context?.(), { signal });
      if (signal.aborted) await this.tasks.settled();
      return idle;
    };
    const initialDelay = fuzzyDelay * random();
    this.#timer = group.addDynamicTimer(periodicTasks, { initialDelay, periodicIntervalMax, stopOnException: false });
  }

  /** No further pass or task begins. The group deals with running ones. */
  stop(): void {
    this.#timer?.stop('shutdown');
  }
}
