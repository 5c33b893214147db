/**
 * One piece of background work in a `TaskGroup`.
 */
import { PorticoError } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import { deferred } from './deferred.js';
import { endedBy, type TaskContext } from './looping-call.js';

/** State of a task. `done` also when it failed or was cancelled. */
export type TaskState = 'queued' | 'running' | 'done';

/** Called with the task, and what was given to `link`, when the task is done. */
export type TaskLink<R, A extends unknown[] = unknown[]> = (task: Task<R>, ...args: A) => unknown;

/** Parts of a task that a group makes. */
export interface TaskSpec<R> {
  readonly id: number;
  readonly name: string;
  readonly run: (context: TaskContext) => R | PromiseLike<R>;
  readonly log: Logger;
  readonly now: () => number;
  /** Called once, before the links, when the task is done. */
  readonly onDone: () => void;
}

/** Background work: waiting to run, running, or done. Made by `TaskGroup.spawn`. */
export class Task<R = unknown> {
  /** Unique within its group. */
  readonly id: number;
  readonly name: string;
  readonly #spec: TaskSpec<R>;
  readonly #abort = new AbortController();
  readonly #made: number;
  readonly #links = new Set<{ readonly fn: unknown; readonly call: () => unknown }>();
  /** A failure is logged where it happens: without a caller that waits it is no unhandled rejection. */
  readonly #result = deferred<R>();
  #state: TaskState = 'queued';

  constructor(spec: TaskSpec<R>) {
    this.id = spec.id;
    this.name = spec.name;
    this.#spec = spec;
    this.#made = spec.now();
  }

  get state(): TaskState {
    return this.#state;
  }

  /** Milliseconds since it was spawned. */
  get ageMs(): number {
    return this.#spec.now() - this.#made;
  }

  /** Its value; rejects with its error, or with `PORTICO_TASK_CANCELLED` when it never started. Links may still run. */
  wait(): Promise<R> {
    return this.#result.promise;
  }

  /** Raises the task's signal with `reason`. Nothing kills work that ignores it; one that never started is cancelled. */
  abort(reason: unknown = new DOMException('the task was aborted', 'AbortError')): void {
    this.raise(reason);
    this.cancel();
  }

  /** Raises the signal only. For its group. */
  raise(reason: unknown): void {
    this.#abort.abort(reason);
  }

  /** Takes back a task that has not started: true then, else false and nothing happens. */
  cancel(): boolean {
    if (this.#state !== 'queued') return false;
    this.#end(() =>
      this.#result.reject(
        new PorticoError('PORTICO_TASK_CANCELLED', { message: `task '${this.name}' was cancelled before it started` }),
      ),
    );
    return true;
  }

  /** Calls `fn(task, ...args)` once the task is done and out of its group; at once when it is. Gives what undoes it. */
  link<A extends unknown[]>(fn: TaskLink<R, A>, ...args: A): () => void {
    const link = { fn, call: () => fn(this, ...args) };
    if (this.#state === 'done') {
      void this.#callLink(link.call);
      return () => {};
    }
    this.#links.add(link);
    return () => this.#links.delete(link);
  }

  /** Undoes every `link` of this function. */
  unlink<A extends unknown[]>(fn: TaskLink<R, A>): void {
    for (const link of this.#links) if (link.fn === fn) this.#links.delete(link);
  }

  /** Runs it, unless it was cancelled. For its group. */
  async begin(): Promise<void> {
    if (this.#state !== 'queued') return;
    this.#state = 'running';
    try {
      const value = await this.#spec.run({ signal: this.#abort.signal });
      this.#end(() => this.#result.resolve(value));
    } catch (error) {
      if (!endedBy(this.#abort.signal, error)) this.#spec.log.error(`Task '${this.name}' failed`, { err: error });
      this.#end(() => this.#result.reject(error));
    }
  }

  #end(settle: () => void): void {
    this.#state = 'done';
    this.#spec.onDone();
    settle();
    for (const link of this.#links) void this.#callLink(link.call);
    this.#links.clear();
  }

  async #callLink(call: () => unknown): Promise<void> {
    try {
      await call();
    } catch (error) {
      this.#spec.log.error(`A link of task '${this.name}' failed`, { err: error });
    }
  }
}
