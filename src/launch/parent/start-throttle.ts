/**
 * Keeps a service whose workers die at once from eating the machine: oslo.service's "forking too fast" rule, without
 * blocking whoever waits.
 */

/**
 * Counts the starts of one service's workers. The first `workers + 1` starts are free; a further one waits a second when
 * the oldest remembered start is less than `workers` seconds old. So does one within a second of a start that waited: by
 * the first rule alone, workers that die at once would start in pairs (one of them after no wait, because the wait before it
 * has aged the oldest), and not about one a second. {@link reset} forgets all, for restarts that were asked for.
 */
export class StartThrottle {
  #starts: number[] = [];
  /** When the last start that had to wait took place. */
  #waitedAt = Number.NEGATIVE_INFINITY;
  #turn: Promise<void> = Promise.resolve();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  reset(): void {
    this.#starts = [];
    this.#waitedAt = Number.NEGATIVE_INFINITY;
  }

  /**
   * Settles when one more worker may start; starts of one service take turns. `wait` sleeps, and may return early when
   * the caller has lost interest. One that is not `needed` any more when its turn comes neither waits nor counts.
   */
  next(workers: number, wait: (ms: number) => Promise<void>, needed: () => boolean = () => true): Promise<void> {
    const turn = this.#turn.then(async () => {
      if (!needed()) return;
      if (this.#starts.length > workers) {
        const oldest = this.#starts[0]!;
        const now = this.#now();
        if (now - oldest < workers * 1000 || now - this.#waitedAt < 1000) {
          await wait(1000);
          this.#waitedAt = this.#now();
        }
        this.#starts.shift();
      }
      this.#starts.push(this.#now());
    });
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}
