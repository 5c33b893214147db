/**
 * Adoption of a slot's share of the connections while the slot has no worker, or one that gives no sign of life: a
 * sibling listens on its socket too.
 */
import type { SendHandle } from 'node:child_process';
import { type ListenSockets, sendableSocket } from '../sockets/listen-sockets.js';
import type { WorkerHandle } from './worker-handle.js';

/** A new worker that lives so long is believed to last: its helper lets go. A crash loop must not use the siblings up. */
const LASTING_MS = 2000;
/** A worker gives a sign of life each second. One that is late by half of that may be stuck: clients wait for it already. */
const LATE_SECONDS = 1.5;

/**
 * Finds helpers for slots, where workers do not all share one socket. Which slots have one follows from what the workers
 * are like at the moment: {@link update} may be called at any time.
 */
export class SlotAdoption {
  readonly #helpers = new Map<number, WorkerHandle>();
  readonly #sockets: () => readonly ListenSockets[];
  readonly #isNew: (slot: number) => boolean;

  /** `isNew`: of a slot whose socket no worker has listened on yet: no client waits there. */
  constructor(sockets: () => readonly ListenSockets[], isNew: (slot: number) => boolean) {
    this.#sockets = sockets;
    this.#isNew = isNew;
  }

  /** Whether time alone may change who helps: a worker gives no signs of life, or a helper waits until its slot has a lasting worker. */
  mayChange(workers: Iterable<WorkerHandle>): boolean {
    return this.#helpers.size > 0 || [...workers].some(isLate);
  }

  /** The workers of the service are these now: a slot of which none of them takes connections has a helper, others have none. */
  update(workers: readonly WorkerHandle[]): void {
    const serving = workers.filter((worker) => worker.serving);
    const fit = serving.filter((worker) => !isLate(worker));
    const slots = Math.max(1, ...this.#sockets().map(({ descriptors }) => descriptors.length));
    for (let slot = 0; slot < slots; slot++) {
      const helper = this.#helpers.get(slot);
      const own = fit.filter((worker) => slotOf(worker) === slot);
      const lasting = own.some(({ readyAt }) => performance.now() - readyAt >= LASTING_MS);
      if (lasting || (helper !== undefined && !fit.includes(helper))) this.#release(slot, helper);
      if (own.length > 0 || this.#helpers.has(slot) || fit[0] === undefined || this.#isNew(slot)) continue;
      this.#adopt(slot, fit[0]);
    }
  }

  #adopt(slot: number, helper: WorkerHandle): void {
    const sockets = this.#sockets().map((own) => sendableSocket(own, slot));
    // While a stop closes them there is nothing to help with.
    if (sockets.length === 0 || sockets.includes(undefined)) return;
    this.#helpers.set(slot, helper);
    helper.helpSlot(slot, sockets as SendHandle[]);
  }

  #release(slot: number, helper: WorkerHandle | undefined): void {
    this.#helpers.delete(slot);
    if (helper?.serving === true) helper.leaveSlot(slot);
  }
}

function isLate({ debugged, silentSeconds }: WorkerHandle): boolean {
  return !debugged && silentSeconds >= LATE_SECONDS;
}

/** More workers than slots share them in turn. */
function slotOf(worker: WorkerHandle): number {
  return worker.assignment.index % worker.slots;
}
