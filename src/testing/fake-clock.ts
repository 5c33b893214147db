/** A clock that a test advances by hand. */
import { withCode } from '../errors/index.js';
import type { Cancel, Clock } from '../tasks/index.js';

interface Alarm {
  readonly fn: () => void;
  cancelled: boolean;
}

/** A clock that starts at 0 and stands still until {@link advance} is called. */
export class FakeClock implements Clock {
  #now = 0;
  #pending = 0;
  /** The alarms due at each moment, in the order in which they were set. */
  readonly #alarms = new Map<number, Alarm[]>();

  now(): number {
    return this.#now;
  }

  /** The number of functions that have yet to run. */
  get pending(): number {
    return this.#pending;
  }

  after(ms: number, fn: () => void): Cancel {
    const alarm: Alarm = { fn, cancelled: false };
    this.#pending++;
    const at = this.#now + Math.max(0, ms);
    const others = this.#alarms.get(at);
    if (others === undefined) this.#alarms.set(at, [alarm]);
    else others.push(alarm);
    return () => {
      if (!alarm.cancelled) this.#pending--;
      alarm.cancelled = true;
    };
  }

  /**
   * Advances the time by `ms` milliseconds. Stops at each moment with timers due, runs them, and lets the promises that they settle run
   * before it continues.
   *
   * Timers that are set for the current moment run there in a further round. Throws `PORTICO_FAKE_CLOCK` if one moment needs more than
   * `limit` further rounds, because a timer then repeats without a pause.
   */
  async advance(ms: number, limit = 1_000_000): Promise<void> {
    const target = this.#now + ms;
    await settled();
    let moment = this.#now;
    for (let at = this.#next(target), count = 0; at !== undefined; at = this.#next(target), count++) {
      if (at > moment) count = 0;
      if (count > limit)
        throw withCode(
          new Error(`more than ${limit} timers are due at ${at} ms: one of them never pauses`),
          'PORTICO_FAKE_CLOCK',
        );
      moment = at;
      this.#now = at;
      // Timers that these set for the same moment run in the next round.
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

  /** Returns the first moment with alarms, `target` at the latest. */
  #next(target: number): number | undefined {
    let next: number | undefined;
    for (const at of this.#alarms.keys()) if (at <= (next ?? target)) next = at;
    return next;
  }
}

/** Waits one turn of the event loop, in which all pending promise callbacks run. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
