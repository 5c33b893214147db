/**
 * The clients with most requests, without a counter for each client: those with more than a 64th of the requests are always among the counted
 * ones, with at least their surplus (Misra and Gries, Finding repeated elements, 1982).
 */

/** Most clients with a counter. */
const MOST = 64;
/** Clients that are shown. */
const TOLD = 5;
const WINDOW_MS = 30_000;

/** Requests of the last half to whole minute in one process. */
export interface ClientCounts {
  readonly total: number;
  /** Addresses with their requests, the busiest first. */
  readonly busiest: readonly (readonly [address: string, requests: number])[];
}

export class BusiestClients {
  #earlier: Window = new Window();
  #later: Window = new Window();
  #since = performance.now();

  /** Counts a request. `now`: milliseconds of the monotonic clock. */
  note(address: string, now = performance.now()): void {
    this.#turn(now);
    this.#later.note(address);
  }

  read(now = performance.now()): ClientCounts {
    this.#turn(now);
    const both = new Map(this.#earlier.counts);
    for (const [address, count] of this.#later.counts) both.set(address, (both.get(address) ?? 0) + count);
    const busiest = [...both].sort(([, a], [, b]) => b - a).slice(0, TOLD);
    const total = this.#earlier.total + this.#later.total;
    return { total, busiest };
  }

  #turn(now: number): void {
    const ms = now - this.#since;
    if (ms < WINDOW_MS) return;
    this.#earlier = ms < 2 * WINDOW_MS ? this.#later : new Window();
    this.#later = new Window();
    this.#since = now;
  }
}

class Window {
  readonly counts = new Map<string, number>();
  total = 0;

  note(address: string): void {
    const { counts } = this;
    this.total += 1;
    const known = counts.get(address);
    if (known !== undefined) counts.set(address, known + 1);
    else if (counts.size < MOST) counts.set(address, 1);
    else {
      for (const [other, count] of counts) {
        if (count === 1) counts.delete(other);
        else counts.set(other, count - 1);
      }
    }
  }
}
