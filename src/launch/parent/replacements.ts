/**
 * How the workers of a service are replaced: in each slot by one other at a time, which has to serve first.
 */
import { PorticoError } from '../../errors/index.js';
import { type Deferred, deferred, unlessAborted, within } from '../waiting.js';
import type { PoolStarts } from './pool-starts.js';
import type { WorkerHandle } from './worker-handle.js';
import type { Generation, SpawnOptions } from './worker-process.js';

/** One place for a worker. `next` is the one that is to take over. */
export interface Slot {
  readonly index: number;
  current: WorkerHandle | undefined;
  next: WorkerHandle | undefined;
  /** Settles when `next` has taken over, or will not. */
  decided: Deferred<void>;
}

/** A place nobody has yet. */
export function emptySlot(index: number): Slot {
  return { index, current: undefined, next: undefined, decided: deferred() };
}

/** Nobody is to take over, or somebody has. */
export function undecided(slot: Slot): void {
  slot.next = undefined;
  slot.decided.resolve();
}

/** How long a replaced worker may take to say that it accepts nothing any more. */
const DRAINED_WITHIN_MS = 5000;

/** What a replacement is made with. */
interface PrepareOptions {
  /** One that rehearsed, instead of a new one. */
  readonly spare?: WorkerHandle | undefined;
  /** How many workers a new one is told there are. Default: as many as are wanted now. */
  readonly workers?: number | undefined;
  /** How long it may take to be ready, in milliseconds: asked when it is started. Default: for ever. */
  readonly limitMs?: () => number;
  /** Raised: nothing is started any more. One that was started goes on. */
  readonly calledOff?: AbortSignal;
}

/** What replacements need of their pool. */
interface ReplacementsOptions {
  readonly service: string;
  readonly slots: readonly Slot[];
  readonly starts: PoolStarts;
  /** Raised when the service is being stopped. */
  readonly stopped: AbortSignal;
  spawn(slot: Slot, generation: Generation, how: SpawnOptions): WorkerHandle;
  retire(worker: WorkerHandle, reason: 'replaced' | 'stop'): void;
  dismiss(worker: WorkerHandle): void;
  /** Gives an empty slot a worker. */
  fill(slot: Slot): void;
}

export class Replacements {
  readonly #given: ReplacementsOptions;

  constructor(given: ReplacementsOptions) {
    this.#given = given;
  }

  /**
   * Replaces the worker of one slot: a new one is started and, once it is ready, the old one told to drain. Rejects when
   * the new one does not become ready; then nothing has changed. False: there was nothing to replace any more, or it was
   * called off.
   */
  async replace(index: number, generation: Generation, how: PrepareOptions = {}): Promise<boolean> {
    const next = await this.prepare(index, generation, how);
    return next !== undefined && (await this.promote(index, next));
  }

  /**
   * Starts the replacement of one slot, or lets one go on that rehearsed, and waits until it is ready. Undefined: there is
   * no such slot any more, the service is being stopped, or it was called off.
   */
  async prepare(index: number, generation: Generation, how: PrepareOptions = {}): Promise<WorkerHandle | undefined> {
    const slot = await this.#vacant(index, how);
    if (slot === undefined) return undefined;
    const { spare, workers, limitMs } = how;
    const next = spare ?? this.#given.spawn(slot, generation, { workers });
    slot.next = next;
    slot.decided = deferred();
    spare?.start();
    try {
      const ready = next.ready.then(() => true as const);
      const ms = limitMs?.();
      if ((ms === undefined ? await ready : await within(ms, ready)) === true) return next;
      this.#callOff(slot, next);
      throw new PorticoError('PORTICO_RELOAD_TIMEOUT', {
        message: `it did not start within ${Math.round(ms ?? 0) / 1000} s`,
      });
    } catch (error) {
      if (slot.next === next) undecided(slot);
      if (this.#given.stopped.aborted) return undefined;
      // The old one may have ended meanwhile, in the hope of this one.
      if (slot.current === undefined) this.#given.fill(slot);
      throw error;
    }
  }

  /**
   * Puts a prepared worker in its slot. Settles when the old one accepts no new connections any more. False: there is no
   * such slot any more. Rejects when the prepared worker has ended.
   */
  async promote(index: number, next: WorkerHandle): Promise<boolean> {
    const slot = this.#given.slots[index];
    if (slot === undefined || this.#given.stopped.aborted) return false;
    if (slot.next !== next)
      throw new Error(`worker ${index} of service ${this.#given.service} ended before it could take over`);
    const old = slot.current;
    slot.current = next;
    undecided(slot);
    if (old === undefined) return true;
    this.#given.retire(old, 'replaced');
    await within(DRAINED_WITHIN_MS, old.drained);
    return true;
  }

  /** True when the slot's worker serves and belongs to that generation, or a later one. */
  isCurrent(index: number, generation: number): boolean {
    const worker = this.#given.slots[index]?.current;
    return worker?.serving === true && worker.assignment.generation >= generation;
  }

  /** Ends a prepared worker that is not to take over after all. One that nobody prepares is left alone. */
  discard(index: number, worker: WorkerHandle): void {
    const slot = this.#given.slots[index];
    if (slot?.next === worker) this.#callOff(slot, worker);
  }

  #callOff(slot: Slot, next: WorkerHandle): void {
    undecided(slot);
    // The others serve on: nobody has to be told, by a drain_delay, that there is one less.
    if (next.wasReady) this.#given.retire(next, 'replaced');
    else this.#given.dismiss(next);
    if (slot.current === undefined && !this.#given.stopped.aborted) this.#given.fill(slot);
  }

  /** The slot, once nobody else replaces its worker and one more may be started. */
  async #vacant(index: number, { spare, calledOff }: PrepareOptions): Promise<Slot | undefined> {
    for (;;) {
      const slot = this.#given.slots[index];
      if (slot === undefined || this.#given.stopped.aborted) return undefined;
      while (slot.next !== undefined && !this.#given.stopped.aborted)
        await unlessAborted(slot.decided.promise, this.#given.stopped);
      if (spare === undefined)
        await this.#given.starts.nextWithRoom(calledOff, () => slot === this.#given.slots[index]);
      if (this.#given.stopped.aborted || calledOff?.aborted === true || spare?.dismissed === true) return undefined;
      // Meanwhile another replacement may have begun, or the slot have gone.
      if (slot === this.#given.slots[index] && slot.next === undefined) return slot;
    }
  }
}
