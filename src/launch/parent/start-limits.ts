/** Limits on starts of workers: how soon one that dies is started again (respawned), and how often in all. */

/** Delay of a start that exceeds the rate. */
const WAIT_MS = 1000;

/**
 * Counts the starts of one service's workers. The first `workers + 1` starts are free; a further one waits a second if
 * the oldest remembered start is less than `workers` seconds old. So does a start within a second of a start that
 * waited: by the first rule alone, workers that die at once would start in pairs (one of them after no wait, because
 * the wait before it has aged the oldest), and not about once a second. {@link reset} forgets all, for requested
 * restarts.
 */
export class StartThrottle {
  #starts: number[] = [];
  /** Time at which the waiting start may take place. */
  #waitsUntil: number | undefined;
  /** Time of the last start that had to wait. */
  #waitedAt = Number.NEGATIVE_INFINITY;
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  reset(): void {
    this.#starts = [];
    this.#waitsUntil = undefined;
    this.#waitedAt = Number.NEGATIVE_INFINITY;
  }

  /** Returns the delay of the next start, in milliseconds; `begins` is true if the start was not requested before. */
  wait(workers: number): { readonly ms: number; readonly begins: boolean } {
    const now = this.#now();
    const begins = this.#waitsUntil === undefined && this.#comesTooSoon(workers, now);
    if (begins) this.#waitsUntil = now + WAIT_MS;
    return { ms: Math.max(0, (this.#waitsUntil ?? now) - now), begins };
  }

  /** Records a start. */
  started(workers: number): void {
    const now = this.#now();
    if (this.#waitsUntil !== undefined) this.#waitedAt = now;
    this.#waitsUntil = undefined;
    if (this.#starts.length > workers) this.#starts.shift();
    this.#starts.push(now);
  }

  #comesTooSoon(workers: number, now: number): boolean {
    if (this.#starts.length <= workers) return false;
    return now - this.#starts[0]! < workers * 1000 || now - this.#waitedAt < WAIT_MS;
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
