/** A background task of a `TaskGroup`. */
import { PorticoError } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import { deferred } from './deferred.js';
import { endedBy, type TaskContext } from './loop-kinds.js';

/** State of a task. `done` includes failed and cancelled tasks. */
export type TaskState = 'queued' | 'running' | 'done';

/** Called with the task and the arguments of `link` when the task is done. */
export type TaskLink<R, A extends unknown[] = unknown[]> = (task: Task<R>, ...args: A) => unknown;

/** Parts of a task from its group. */
export interface TaskSpec<R> {
  readonly id: number;
  readonly name: string;
  readonly run: (context: TaskContext) => R | PromiseLike<R>;
  readonly log: Logger;
  readonly now: () => number;
  /** Called once, before the links, when the task is done. */
  readonly onDone: () => void;
}

/** A background task: queued, running, or done. Created by `TaskGroup.spawn`. */
export class Task<R = unknown> {
  /** Unique within its group. */
  readonly id: number;
  readonly name: string;
  readonly #spec: TaskSpec<R>;
  readonly #abort = new AbortController();
  readonly #made: number;
  readonly #links = new Set<{ readonly fn: unknown; readonly call: () => unknown }>();
  /** Rejections need no handler, because failures are already logged. */
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

  /** Milliseconds since `spawn`. */
  get ageMs(): number {
    return this.#spec.now() - this.#made;
  }

  /**
   * Resolves with the task's value; rejects with its error, or with `PORTICO_TASK_CANCELLED` if it was cancelled before its start. Links
   * may still be running.
   */
  wait(): Promise<R> {
    return this.#result.promise;
  }

  /**
   * Aborts the task's signal with `reason`, and cancels the task if it has not started. A running task that ignores the signal
   * continues.
   */
  abort(reason: unknown = new DOMException('the task was aborted', 'AbortError')): void {
    this.raise(reason);
    this.cancel();
  }

  /** Aborts only the signal. Called by the group. */
  raise(reason: unknown): void {
    this.#abort.abort(reason);
  }

  /** Cancels a task that has not started. Returns false, without effect, if it has. */
  cancel(): boolean {
    if (this.#state !== 'queued') return false;
    this.#end(() =>
      this.#result.reject(
        new PorticoError('PORTICO_TASK_CANCELLED', { message: `task '${this.name}' was cancelled before it started` }),
      ),
    );
    return true;
  }

  /**
   * Calls `fn(task, ...args)` when the task is done and out of its group; now if it is already. Returns a function that removes the
   * link.
   */
  link<A extends unknown[]>(fn: TaskLink<R, A>, ...args: A): () => void {
    const link = { fn, call: () => fn(this, ...args) };
    if (this.#state === 'done') {
      void this.#callLink(link.call);
      return () => {};
    }
    this.#links.add(link);
    return () => this.#links.delete(link);
  }

  /** Removes all links with this function. */
  unlink<A extends unknown[]>(fn: TaskLink<R, A>): void {
    for (const link of this.#links) if (link.fn === fn) this.#links.delete(link);
  }

  /** Runs the task unless it was cancelled. Called by the group. */
  async begin(): Promise<void> {
    if (this.#state !== 'queued') return;
    this.#state = 'running';
    try {
      const value = await this.#spec.run({ signal: this.#abort.signal });
      this.#end(() => this.#result.resolve(value));
    } catch (error) {
      if (!endedBy(this.#abort.signal, error)) this.#spec.log.error({ err: error }, `Task '${this.name}' failed`);
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
      this.#spec.log.error({ err: error }, `A link of task '${this.name}' failed`);
    }
  }
}
