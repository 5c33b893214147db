/**
 * A clock that a test moves by hand.
 */
import type { Cancel, Clock } from '../tasks/index.js';

interface Alarm {
  readonly at: number;
  readonly order: number;
  readonly fn: () => void;
  cancelled: boolean;
}

/** Time that stands still until {@link advance}; begins at 0. */
export class FakeClock implements Clock {
  #now = 0;
  #order = 0;
  #pending = 0;
  readonly #heap: Alarm[] = [];

  now(): number {
    return this.#now;
  }

  /** How many functions are still to be run. */
  get pending(): number {
    return this.#pending;
  }

  after(ms: number, fn: () => void): Cancel {
    const alarm: Alarm = { at: this.#now + Math.max(0, ms), order: this.#order++, fn, cancelled: false };
    this.#pending++;
    this.#push(alarm);
    return () => {
      if (!alarm.cancelled) this.#pending--;
      alarm.cancelled = true;
    };
  }

  /**
   * Moves time forward, stopping at every moment something is due, and lets what that sets off settle before it goes on.
   * Throws when more than `limit` things are due within one moment: something repeats without a pause.
   */
  async advance(ms: number, limit = 1_000_000): Promise<void> {
    const target = this.#now + ms;
    await settled();
    for (let moment = this.#now, count = 0; this.#heap.length > 0 && this.#heap[0]!.at <= target; count++) {
      const at = this.#heap[0]!.at;
      if (at > moment) count = 0;
      if (count > limit) throw new Error(`more than ${limit} things are due at ${at} ms: something never pauses`);
      moment = at;
      this.#now = at;
      // What these ask for within the same moment comes in the next round, after everybody else.
      const round = this.#order;
      while (this.#heap.length > 0 && this.#heap[0]!.at === at && this.#heap[0]!.order < round) {
        const due = this.#pop();
        if (due.cancelled) continue;
        due.cancelled = true;
        this.#pending--;
        due.fn();
      }
      await settled();
    }
    this.#now = target;
  }

  #push(alarm: Alarm): void {
    const heap = this.#heap;
    let index = heap.push(alarm) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (before(heap[parent]!, alarm)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = alarm;
  }

  #pop(): Alarm {
    const heap = this.#heap;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (before(last, heap[child]!)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}

function before(a: Alarm, b: Alarm): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** Everything that promises set off has happened once a turn of the event loop has passed. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
