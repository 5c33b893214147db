/**
 * Slots without a responsive worker: a sibling also listens on the socket of the slot, and accepts its share of the
 * connections.
 */
import type { SendHandle } from 'node:child_process';
import { sendableSocket } from '../sockets/listen-sockets.js';
import type { PoolState } from './pool-state.js';
import type { WorkerHandle } from './worker-handle.js';

/**
 * Age at which a new worker counts as stable, and the sibling stops listening for it. A shorter time would exhaust the
 * siblings in a crash loop.
 */
const LASTING_MS = 2000;
/**
 * Workers send a heartbeat each second. A worker that is half a second late may be stuck, and clients already wait for
 * it.
 */
const LATE_SECONDS = 1.5;

type AdoptingPool = Pick<PoolState, 'sockets' | 'workers' | 'current' | 'firstStart'>;

/**
 * Finds helpers for slots if the workers do not share one socket. The helpers follow from the present state of the
 * workers, so {@link update} may be called at any time.
 */
export class SlotAdoption {
  readonly #helpers = new Map<number, WorkerHandle>();
  /** Slots on whose sockets a worker has listened: clients may wait there, also while a new worker starts. */
  readonly #listened = new Set<number>();
  /** True if a worker was late at the last {@link update}. */
  #late = false;
  readonly #pool: AdoptingPool;

  constructor(pool: AdoptingPool) {
    this.#pool = pool;
  }

  /**
   * Reports whether the helpers may change by time alone: a worker sends no heartbeat, or sends one again, or a helper
   * waits until its slot has a stable worker.
   */
  get mayChange(): boolean {
    return this.#helpers.size > 0 || this.#late || [...this.#pool.workers].some(isLate);
  }

  /**
   * Assigns helpers for the present workers of the service: to each slot in which no worker accepts connections, and to
   * no other. No client waits in a slot whose socket no worker has listened on yet.
   */
  update(): void {
    const fit = this.#pool.current.filter((worker) => worker.serving && !isLate(worker));
    this.#late = [...this.#pool.workers].some(isLate);
    const slots = Math.max(1, ...this.#pool.sockets.map(({ descriptors }) => descriptors.length));
    for (let slot = 0; slot < slots; slot++) {
      const helper = this.#helpers.get(slot);
      const own = fit.filter((worker) => slotOf(worker) === slot);
      if (own.length > 0) this.#listened.add(slot);
      const lasting = own.some(({ readyAt }) => performance.now() - readyAt >= LASTING_MS);
      if (lasting || (helper !== undefined && !fit.includes(helper))) this.#release(slot, helper);
      if (own.length > 0 || this.#helpers.has(slot) || fit[0] === undefined) continue;
      if (this.#pool.firstStart(slot) !== undefined && !this.#listened.has(slot)) continue;
      this.#adopt(slot, fit[0]);
    }
  }

  #adopt(slot: number, helper: WorkerHandle): void {
    const sockets = this.#pool.sockets.map((own) => sendableSocket(own, slot));
    // A stop closes the sockets, so no helper is needed.
    if (sockets.length === 0 || sockets.includes(undefined)) return;
    this.#helpers.set(slot, helper);
    this.#listened.add(slot);
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

/** If there are more workers than slots, they share the slots in turn. */
function slotOf(worker: WorkerHandle): number {
  return worker.assignment.index % worker.slots;
}
