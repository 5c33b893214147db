/** Tracks the work of managers by name, so that a stop can report which tasks are in flight and how they ended. */
import { PorticoError, refuseUnknownOptions } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import type { Clock } from '../tasks/index.js';
import { pause, systemClock, within } from '../tasks/internal.js';
import { countText, formatDuration } from '../text/index.js';
import type { Awaitable } from './service.js';

/** Details of a tracked task, for the log. */
export interface TrackedFacts {
  /** Id of the request. */
  readonly requestId?: string | undefined;
  /** Id of the resource, such as a server or image. */
  readonly resourceId?: string | undefined;
}

/** A task in flight. */
export interface TrackedTask extends TrackedFacts {
  readonly name: string;
  /** Milliseconds since its start. */
  readonly ageMs: number;
}

/**
 * Tracks work by name until it ends: a promise, or a function that it calls. Returns a promise of the result. Logs a failure once; the
 * returned promise also rejects, but may be left unhandled.
 */
export type Track = <T>(name: string, work: PromiseLike<T> | (() => Awaitable<T>), facts?: TrackedFacts) => Promise<T>;

/** Options of a {@link TaskTracker}. */
export interface TaskTrackerOptions {
  /** Name of the service, for logs. */
  readonly service: string;
  /** Log for failures. */
  readonly log: Logger;
  /** The clock for times and timers. Default: the system's. */
  readonly clock?: Clock;
}

const NAMES: readonly (keyof TaskTrackerOptions)[] = ['service', 'log', 'clock'];

interface Entry extends TrackedFacts {
  readonly name: string;
  readonly began: number;
}

/** Interval of the log lines with unfinished tasks during a stop. */
const LIST_EVERY_MS = 10_000;

/** Tracks the tasks of one service. Can be used for several runs of the service. */
export class TaskTracker {
  readonly #service: string;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #entries = new Set<Entry>();
  #waiting: (() => void)[] = [];
  /** Results of the tasks so far, during a stop. */
  #shutdown:
    | { completed: number; failed: number; readonly over: AbortController; readonly others: () => readonly string[] }
    | undefined;

  constructor(options: TaskTrackerOptions) {
    refuseUnknownOptions('PORTICO_INVALID_OPTION', 'a TaskTracker', options, NAMES);
    this.#service = options.service;
    this.#log = options.log;
    this.#clock = options.clock ?? systemClock;
  }

  /** Number of tasks in flight. */
  get size(): number {
    return this.#entries.size;
  }

  /** Returns the tasks in flight, oldest first. */
  list(): TrackedTask[] {
    const now = this.#clock.now();
    return [...this.#entries].map(({ began, ...facts }) => ({ ...facts, ageMs: now - began }));
  }

  /** Returns the tasks in flight, a line each, for `describeWork`. */
  describe(): string[] {
    return this.list().map((task) => `task ${described(task)}`);
  }

  /** Tracks work: see {@link Track}. Can be used without the object. */
  readonly track: Track = (name, work, facts = {}) => {
    const tracked = this.record(name, work, facts);
    tracked.catch((err: unknown) => this.#log.error({ err, ...facts }, `${this.#service}: task '${name}' failed`));
    return tracked;
  };

  /** Like {@link track}, for a caller that handles failures: they are not logged. */
  async record<T>(name: string, work: PromiseLike<T> | (() => Awaitable<T>), facts: TrackedFacts = {}): Promise<T> {
    const entry: Entry = { name, ...facts, began: this.#clock.now() };
    this.#entries.add(entry);
    if (this.#shutdown !== undefined)
      this.#log.info({ ...facts }, `${this.#service}: task '${name}' began after the shutdown`);
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

  /**
   * Begins the stop: logs the tasks in flight, now and every 10 s until {@link endShutdown}. `others`: other work that the stop waits for,
   * such as runs of periodic tasks.
   */
  beginShutdown(others: () => readonly string[] = () => []): void {
    if (this.#shutdown !== undefined) return;
    this.#shutdown = { completed: 0, failed: 0, over: new AbortController(), others };
    void this.#keepListing(this.#shutdown);
  }

  /** Resolves with true when no task is in flight, or with false at the limit. `ms`: maximum milliseconds. */
  async settled(limit: { readonly ms?: number; readonly signal?: AbortSignal | undefined } = {}): Promise<boolean> {
    if (this.#entries.size === 0) return true;
    const { ms = Number.POSITIVE_INFINITY, signal } = limit;
    const empty = new Promise<true>((resolve) => this.#waiting.push(() => resolve(true)));
    return within(empty, { ms, clock: this.#clock, signal }, () => false);
  }

  /** Ends the stop: logs a summary if there were tasks. Returns the unfinished tasks. */
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
    if (left.length > 0) this.#log.warn(facts, text);
    else this.#log.info(facts, text);
    return left;
  }

  async #keepListing({ over, others }: { over: AbortController; others: () => readonly string[] }): Promise<void> {
    do {
      const tasks = this.list();
      const all = [...tasks.map(described), ...others()];
      if (all.length > 0) {
        const text = `${this.#service}: ${countText(all.length, 'unfinished task')} at the shutdown: ${all.join(', ')}`;
        this.#log.info({ tasks: tasks.map(({ name }) => name) }, text);
      }
    } while (await pause(LIST_EVERY_MS, { clock: this.#clock, signal: over.signal, unref: true }));
  }
}

function described({ name, requestId, resourceId, ageMs }: TrackedTask): string {
  const about = [
    ...(resourceId === undefined ? [] : [`on ${resourceId}`]),
    ...(requestId === undefined ? [] : [`for ${requestId}`]),
    `since ${formatDuration(ageMs / 1000)}`,
  ];
  return `${name} (${about.join(', ')})`;
}

/** Returns the error of a stop that leaves tasks unfinished. */
export function leftBehind(service: string, tasks: readonly TrackedTask[]): PorticoError {
  const names = [...new Set(tasks.map(({ name }) => name))].join(', ');
  return new PorticoError('PORTICO_STOP_DEADLINE', {
    message: `${service}: ${tasks.length} tasks did not finish in time and are abandoned: ${names}`,
    hint: 'Their time limit is five sixths of [DEFAULT] graceful_shutdown_timeout, and at most [DEFAULT] manager_shutdown_timeout.',
  });
}
