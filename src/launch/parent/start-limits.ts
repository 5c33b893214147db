/** Limits on starts of workers: how soon one that ends is started again (respawned), and how often in all. */

/** A worker that ends sooner after it was ready has ended early. So has one that never was ready, or that the system has refused. */
const EARLY_MS = 5000;
/** Delay after the second early end in a row; each further one doubles it. */
const FIRST_DELAY_MS = 1000;
const LONGEST_DELAY_MS = 30_000;

/** A slot whose last workers ended early. */
interface EarlyEnds {
  readonly count: number;
  /** Time from which the slot may get its next worker. */
  readonly until: number;
}

/**
 * Delays of the starts in slots whose workers end soon after they were ready, as in a crash loop: none after the first such end, then 1 s, 2 s, 4 s …,
 * at most 30 s. A worker that lives longer ends the row, and {@link reset} all rows, for starts that an operator requests.
 */
export class RestartDelays {
  readonly #slots = new Map<number, EarlyEnds>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  reset(): void {
    this.#slots.clear();
  }

  /** Records the end of the worker of a slot. `servedMs`: the time since it was ready. Returns the early ends in a row and the delay after them. */
  ended(slot: number, servedMs: number): { readonly count: number; readonly delayMs: number } {
    if (servedMs >= EARLY_MS) {
      this.#slots.delete(slot);
      return { count: 0, delayMs: 0 };
    }
    const count = (this.#slots.get(slot)?.count ?? 0) + 1;
    const delayMs = count < 2 ? 0 : Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (count - 2));
    this.#slots.set(slot, { count, until: this.#now() + delayMs });
    return { count, delayMs };
  }

  /** Returns the time until the slot may get its next worker, in milliseconds. */
  wait(slot: number): number {
    return Math.max(0, (this.#slots.get(slot)?.until ?? 0) - this.#now());
  }
}

/** Counts the unexpected restarts of one service. */
export class RestartBudget {
  #spent: number[] = [];
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /**
   * Counts one restart. Returns true if there were more than `max` within the last `windowMs`, or in total if that is
   * 0; a `max` of 0 is no limit.
   */
  spend(max: number, windowMs: number): boolean {
    if (max === 0) return false;
    const now = this.#now();
    this.#spent = [...this.#spent, now].filter((time) => windowMs === 0 || now - time <= windowMs);
    return this.#spent.length > max;
  }
}
