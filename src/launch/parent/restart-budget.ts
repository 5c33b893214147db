/**
 * How often a service may be started again before its launcher gives up.
 */

/** Counts unasked restarts of one service. */
export class RestartBudget {
  #spent: number[] = [];
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /**
   * Counts one more. True when there were more than `max` within the last `windowMs`, or ever when that is 0; a `max` of 0
   * is no limit.
   */
  spend(max: number, windowMs: number): boolean {
    if (max === 0) return false;
    const now = this.#now();
    this.#spent = [...this.#spent, now].filter((time) => windowMs === 0 || now - time <= windowMs);
    return this.#spent.length > max;
  }
}
