/**
 * What becomes of a slot's share of the connections while the slot has no worker: a sibling listens on its socket too.
 */
import type { WorkerHandle } from './worker-handle.js';

/** A new worker that lives so long is believed to last: its helper lets go. A crash loop must not use the siblings up. */
const LASTING_MS = 2000;

/**
 * Finds helpers for slots without a worker. Only where workers do not all share one socket. A worker can help a slot once
 * in its life, because ending a listener closes the descriptor it inherited.
 */
export class SlotAdoption {
  readonly #helpers = new Map<number, WorkerHandle>();
  readonly #helped = new WeakMap<WorkerHandle, Set<number>>();

  /** The workers of the service are these now: each slot that none of them has is given a helper. */
  update(workers: readonly WorkerHandle[]): void {
    const serving = workers.filter((worker) => worker.serving);
    const slots = serving[0]?.slots ?? 1;
    for (let slot = 0; slot < slots; slot++) {
      if (serving.some((worker) => slotOf(worker) === slot)) continue;
      if (this.#helpers.get(slot)?.serving === true) continue;
      const helper = serving.find((worker) => this.#helped.get(worker)?.has(slot) !== true);
      if (helper === undefined) continue;
      this.#helped.set(helper, (this.#helped.get(helper) ?? new Set()).add(slot));
      this.#helpers.set(slot, helper);
      helper.adopt('adopt', slot);
    }
  }

  /**
   * A worker serves, among these: slots that nobody could help while all workers were gone have a helper now. Should it
   * last, the helper of its own slot lets go.
   */
  served(worker: WorkerHandle, workers: readonly WorkerHandle[]): void {
    this.update(workers);
    const slot = slotOf(worker);
    if (!this.#helpers.has(slot)) return;
    setTimeout(() => {
      if (!worker.serving) return;
      this.#helpers.get(slot)?.adopt('release', slot);
      this.#helpers.delete(slot);
    }, LASTING_MS).unref();
  }
}

/** More workers than slots share them in turn. */
function slotOf(worker: WorkerHandle): number {
  return worker.assignment.index % worker.slots;
}
