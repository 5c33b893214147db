/**
 * The members of a task group, and waiting for all of them, from outside or from one of them.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock } from './clock.js';

/** The limit of a wait. */
export interface WaitLimit {
  /** Milliseconds; below 0: one turn of the event loop; absent: no limit. */
  readonly ms?: number | undefined;
  /** Ends the wait when aborted. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The tasks and timers of a group. One of them that waits for the group must not wait for itself, nor for others that
 * do the same: so it is known whose code runs, across `await`s.
 */
export class GroupMembers {
  readonly #clock: Clock;
  readonly #all = new Set<object>();
  readonly #running = new AsyncLocalStorage<object>();
  /** Those that wait for the group, and how often. */
  readonly #waiting = new Map<object, number>();
  #watchers: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  enter(member: object): void {
    this.#all.add(member);
  }

  leave(member: object): void {
    this.#waiting.delete(member);
    if (this.#all.delete(member)) this.#changed();
  }

  /** True for one that waits for the group and for the caller: a stop lets go of neither. */
  isWaitingOrCalling(member: object): boolean {
    return this.#waiting.has(member) || this.#caller() === member;
  }

  /** Runs code as the member's own. */
  run<R>(member: object, code: () => R): R {
    return this.#running.run(member, code);
  }

  /** Settles with true when all are gone but the caller and those that wait as well; with false when the limit came. */
  gone(limit: WaitLimit = {}): Promise<boolean> {
    return this.#until((caller) => this.#all.size <= (caller === undefined ? 0 : this.#waiting.size), limit);
  }

  /** Settles when these are gone, or wait for the group themselves. */
  async goneOrWaiting(members: readonly object[]): Promise<void> {
    await this.#until(() => members.every((member) => !this.#all.has(member) || this.#waiting.has(member)), {});
  }

  async #until(reached: (caller: object | undefined) => boolean, limit: WaitLimit): Promise<boolean> {
    const caller = this.#caller();
    if (caller !== undefined) this.#waiting.set(caller, (this.#waiting.get(caller) ?? 0) + 1);
    this.#changed();
    let outOfTime = limit.signal?.aborted === true;
    const expire = (): void => {
      outOfTime = true;
      this.#changed();
    };
    const cancel = limit.ms === undefined ? undefined : this.#clock.after(limit.ms, expire);
    limit.signal?.addEventListener('abort', expire, { once: true });
    try {
      while (!reached(caller) && !outOfTime) await new Promise<void>((resolve) => this.#watchers.push(resolve));
      return reached(caller);
    } finally {
      cancel?.();
      limit.signal?.removeEventListener('abort', expire);
      if (caller !== undefined) this.#stopsWaiting(caller);
    }
  }

  #stopsWaiting(caller: object): void {
    const left = (this.#waiting.get(caller) ?? 1) - 1;
    if (left === 0) this.#waiting.delete(caller);
    else this.#waiting.set(caller, left);
  }

  /** The member whose code calls, as long as it is one. */
  #caller(): object | undefined {
    const running = this.#running.getStore();
    return running !== undefined && this.#all.has(running) ? running : undefined;
  }

  #changed(): void {
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const watcher of watchers) watcher();
  }
}
