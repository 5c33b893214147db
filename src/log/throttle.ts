/** Log lines of an event that may occur thousands of times a second. */

/** Writes at most one line in each interval, with the number of events since the line before. */
export class Throttle {
  readonly #everyMs: number;
  #toldAt = Number.NEGATIVE_INFINITY;
  #count = 0;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** Counts an event; calls `write` with the count unless a line was written a moment ago. */
  tell(write: (count: number) => void): void {
    this.#count++;
    const now = performance.now();
    if (now - this.#toldAt < this.#everyMs) return;
    this.#toldAt = now;
    write(this.takeCount());
  }

  /** Returns the number of events since the last line. The next line does not count them again. */
  takeCount(): number {
    const count = this.#count;
    this.#count = 0;
    return count;
  }
}
