/** The members of a task group, and waiting for all of them, from outside or from a member. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock } from './clock.js';

/** Limits of a wait. */
export interface WaitLimit {
  /** Milliseconds; 0 or less: one turn of the event loop; absent: no limit. */
  readonly ms?: number | undefined;
  /** Ends the wait when aborted. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The tasks and timers of a group. A member that waits for the group must not wait for itself or for other waiting members, so the
 * current member is tracked across `await`s.
 */
export class GroupMembers {
  readonly #clock: Clock;
  readonly #all = new Set<object>();
  readonly #running = new AsyncLocalStorage<object>();
  /** Members that wait for the group, with the number of their waits. */
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

  /** Reports whether a member waits for the group or is the caller: a stop detaches neither. */
  isWaitingOrCalling(member: object): boolean {
    return this.#waiting.has(member) || this.#caller() === member;
  }

  /** Runs code as part of a member. */
  run<R>(member: object, code: () => R): R {
    return this.#running.run(member, code);
  }

  /**
   * Resolves with true when all members have ended, except the caller and other waiting members if a member calls; with false at the
   * limit.
   */
  gone(limit: WaitLimit = {}): Promise<boolean> {
    return this.#until((caller) => this.#all.size <= (caller === undefined ? 0 : this.#waiting.size), limit);
  }

  /** Settles when each of these members has ended or waits for the group. */
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

  /** Returns the member that contains the calling code; undefined if it has left. */
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
