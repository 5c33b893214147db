/**
 * How many processes a service may have while its workers are being replaced.
 */
import { unlessAborted } from '../within.js';
import type { WorkerHandle } from './worker-handle.js';

/** Asked anew each time, because both may change meanwhile. */
export interface RoomTerms {
  /** So many processes at most, with the one that room is made for. */
  readonly most: number;
  /** What a worker that is asked to make haste may still take. */
  readonly timeoutMs: number;
}

/**
 * Settles when there may be one more process: as long as there are too many, the worker that drains longest lets its idle
 * connections go now. Settles early when one of `off` is raised, and when nobody drains.
 */
export async function makeRoom(
  alive: ReadonlySet<WorkerHandle>,
  off: readonly AbortSignal[],
  terms: () => RoomTerms,
): Promise<void> {
  for (;;) {
    const { most, timeoutMs } = terms();
    if (alive.size < most || off.some(({ aborted }) => aborted)) return;
    const oldest = [...alive].find((worker) => worker.stopping);
    if (oldest === undefined) return;
    oldest.drain('stop', timeoutMs);
    await unlessAborted(oldest.exited, ...off);
  }
}
