/**
 * The numbered places of a pool.
 */
import { type Deferred, deferred } from '../deferred.js';
import type { WorkerHandle } from './worker-handle.js';

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
