/**
 * A clock that a test moves by hand.
 */
import { withCode } from '../errors/index.js';
import type { Cancel, Clock } from '../tasks/index.js';

interface Alarm {
  readonly fn: () => void;
  cancelled: boolean;
}

/** Time that stands still until {@link advance}; begins at 0. */
export class FakeClock implements Clock {
  #now = 0;
  #pending = 0;
  /** Alarms due at each moment, in the order of their requests. */
  readonly #alarms = new Map<number, Alarm[]>();
  /** The moments, in order. */
  readonly #moments: number[] = [];

  now(): number {
    return this.#now;
  }

  /** How many functions are still to be run. */
  get pending(): number {
    return this.#pending;
  }

  after(ms: number, fn: () => void): Cancel {
    const alarm: Alarm = { fn, cancelled: false };
    this.#pending++;
    this.#dueAt(this.#now + Math.max(0, ms)).push(alarm);
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
    for (let moment = this.#now, count = 0; this.#moments.length > 0 && this.#moments[0]! <= target; count++) {
      const at = this.#moments.shift()!;
      if (at > moment) count = 0;
      if (count > limit)
        throw withCode(
          new Error(`more than ${limit} timers are due at ${at} ms: one of them never pauses`),
          'PORTICO_FAKE_CLOCK',
        );
      moment = at;
      this.#now = at;
      // Timers that these set for the same moment run in the next round, after all others.
      const round = this.#alarms.get(at)!;
      this.#alarms.delete(at);
      for (const due of round) {
        if (due.cancelled) continue;
        due.cancelled = true;
        this.#pending--;
        due.fn();
      }
      await settled();
    }
    this.#now = target;
  }

  #dueAt(at: number): Alarm[] {
    const known = this.#alarms.get(at);
    if (known !== undefined) return known;
    let low = 0;
    for (let high = this.#moments.length; low < high; ) {
      const middle = (low + high) >> 1;
      if (this.#moments[middle]! < at) low = middle + 1;
      else high = middle;
    }
    this.#moments.splice(low, 0, at);
    const alarms: Alarm[] = [];
    this.#alarms.set(at, alarms);
    return alarms;
  }
}

/** Everything that promises set off has happened once a turn of the event loop has passed. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
