/**
 * The work of managers that must be known by name when a service stops: what is under way, and what came of it.
 */
import { PorticoError, refuseUnknownOptions } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import type { Clock } from '../tasks/index.js';
import { pause, systemClock, within } from '../tasks/internal.js';
import { formatDuration } from '../text/index.js';
import type { Awaitable } from './service.js';

/** Facts of a tracked task, for the log. */
export interface TrackedFacts {
  /** The request it works for. */
  readonly requestId?: string | undefined;
  /** The resource it works on: a server, an image. */
  readonly resourceId?: string | undefined;
}

/** A task under way. */
export interface TrackedTask extends TrackedFacts {
  readonly name: string;
  /** Milliseconds since it began. */
  readonly ageMs: number;
}

/**
 * Makes work known under a name until it has ended: a promise, or a function that is called. Gives what the work comes
 * to. A failure is logged once, here; the caller is told as well, and need not wait.
 */
export type Track = <T>(name: string, work: PromiseLike<T> | (() => Awaitable<T>), facts?: TrackedFacts) => Promise<T>;

/** How a tracker is made. */
export interface TaskTrackerOptions {
  /** Whose work it is, for logs. */
  readonly service: string;
  /** Log of failures. */
  readonly log: Logger;
  /** Times and timers. Default: those of the system. */
  readonly clock?: Clock;
}

const NAMES: readonly (keyof TaskTrackerOptions)[] = ['service', 'log', 'clock'];

interface Entry extends TrackedFacts {
  readonly name: string;
  readonly began: number;
}

/** Between two lists of what a stopping service still waits for. */
const LIST_EVERY_MS = 10_000;

/** Keeps the tracked tasks of one service. Safe to use over several runs of it. */
export class TaskTracker {
  readonly #service: string;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #entries = new Set<Entry>();
  #waiting: (() => void)[] = [];
  /** Set while the service stops: what came of its work so far. */
  #shutdown: { completed: number; failed: number; readonly over: AbortController } | undefined;

  constructor(options: TaskTrackerOptions) {
    refuseUnknownOptions('PORTICO_INVALID_OPTION', 'a TaskTracker', options, NAMES);
    this.#service = options.service;
    this.#log = options.log;
    this.#clock = options.clock ?? systemClock;
  }

  /** How many tasks are under way. */
  get size(): number {
    return this.#entries.size;
  }

  /** The tasks under way, oldest first. */
  list(): TrackedTask[] {
    const now = this.#clock.now();
    return [...this.#entries].map(({ began, ...facts }) => ({ ...facts, ageMs: now - began }));
  }

  /** The tasks under way, a line each: for `describeWork`. */
  describe(): string[] {
    return this.list().map((task) => `task ${described(task)}`);
  }

  /** See {@link Track}. A member that can be handed on by itself. */
  readonly track: Track = (name, work, facts = {}) => {
    const tracked = this.record(name, work, facts);
    tracked.catch((err: unknown) => this.#log.error(`${this.#service}: task '${name}' failed`, { err, ...facts }));
    return tracked;
  };

  /** As {@link track}, for a caller who answers for failures: nothing is logged of one. */
  async record<T>(name: string, work: PromiseLike<T> | (() => Awaitable<T>), facts: TrackedFacts = {}): Promise<T> {
    const entry: Entry = { name, ...facts, began: this.#clock.now() };
    this.#entries.add(entry);
    if (this.#shutdown !== undefined)
      this.#log.info(`${this.#service}: task '${name}' began after the shutdown`, { ...facts });
    try {
      const value = await (typeof work === 'function' ? work() : work);
      if (this.#shutdown !== undefined) this.#shutdown.completed++;
      return value;
    } catch (error) {
      if (this.#shutdown !== undefined) this.#shutdown.failed++;
      throw error;
    } finally {
      this.#entries.delete(entry);
      if (this.#entries.size === 0) for (const wake of this.#waiting.splice(0)) wake();
    }
  }

  /** The service stops: names what is under way, now and every 10 s until {@link endShutdown}. */
  beginShutdown(): void {
    if (this.#shutdown !== undefined) return;
    this.#shutdown = { completed: 0, failed: 0, over: new AbortController() };
    void this.#keepListing(this.#shutdown.over.signal);
  }

  /** True once nothing is under way; false when the time is up before that. `ms`: no longer than so many milliseconds. */
  async settled(limit: { readonly ms?: number; readonly signal?: AbortSignal | undefined } = {}): Promise<boolean> {
    if (this.#entries.size === 0) return true;
    const { ms = Number.POSITIVE_INFINITY, signal } = limit;
    const empty = new Promise<true>((resolve) => this.#waiting.push(() => resolve(true)));
    return within(empty, { ms, clock: this.#clock, signal }, () => false);
  }

  /** The service has stopped: the closing line, where there was anything to tell. Gives the tasks that it leaves behind. */
  endShutdown(): readonly TrackedTask[] {
    const shutdown = this.#shutdown;
    if (shutdown === undefined) return [];
    this.#shutdown = undefined;
    shutdown.over.abort();
    const { completed, failed } = shutdown;
    const left = this.list();
    if (completed + failed + left.length === 0) return left;
    const names = left.length === 0 ? '' : `: ${left.map(described).join(', ')}`;
    const facts = { completed, failed, left: left.length };
    const text = `${this.#service}: of the tasks at the shutdown ${completed} completed, ${failed} failed, ${left.length} are unfinished${names}`;
    if (left.length > 0) this.#log.warn(text, facts);
    else this.#log.info(text, facts);
    return left;
  }

  async #keepListing(signal: AbortSignal): Promise<void> {
    do {
      const tasks = this.list();
      if (tasks.length > 0) {
        const text = `${this.#service}: ${tasks.length} unfinished tasks at the shutdown: ${tasks.map(described).join(', ')}`;
        this.#log.info(text, { tasks: tasks.map(({ name }) => name) });
      }
    } while (await pause(LIST_EVERY_MS, { clock: this.#clock, signal, unref: true }));
  }
}

const UNTRACKED: unique symbol = Symbol('portico.untracked');

/** Marks a method whose calls need not be known when the service stops: `@untracked`. Nothing is wrapped. */
export function untracked<F extends (this: never, ...args: never[]) => unknown>(
  method: F,
  _context?: ClassMethodDecoratorContext,
): F {
  Object.defineProperty(method, UNTRACKED, { value: true });
  return method;
}

/** True for a method marked with {@link untracked}. */
export function isUntracked(method: unknown): boolean {
  return typeof method === 'function' && (method as { [UNTRACKED]?: true })[UNTRACKED] === true;
}

function described({ name, requestId, resourceId, ageMs }: TrackedTask): string {
  const about = [
    ...(resourceId === undefined ? [] : [`on ${resourceId}`]),
    ...(requestId === undefined ? [] : [`for ${requestId}`]),
    `since ${formatDuration(ageMs / 1000)}`,
  ];
  return `${name} (${about.join(', ')})`;
}

/** The error of a stop that leaves these behind. */
export function leftBehind(service: string, tasks: readonly TrackedTask[]): PorticoError {
  const names = [...new Set(tasks.map(({ name }) => name))].join(', ');
  return new PorticoError('PORTICO_STOP_DEADLINE', {
    message: `${service}: ${tasks.length} tasks did not finish in time and are abandoned: ${names}`,
    hint: 'Their time limit is five sixths of [DEFAULT] graceful_shutdown_timeout, and at most [DEFAULT] manager_shutdown_timeout.',
  });
}
