/** Many timeouts with one timer: most are cancelled early, so a timer for each would be wasted. */
import type { Cancel, Clock } from 'portico/tasks';

interface Wait {
  /** Time of the clock. */
  readonly at: number;
  readonly over: () => void;
}

/** Runs a timer for the earliest timeout while any is pending. */
export class Deadlines {
  readonly #clock: Clock;
  readonly #unref: boolean;
  readonly #waits = new Set<Wait>();
  #timer: Cancel | undefined;
  /** Time at which the timer fires, possibly for a cancelled timeout. */
  #timerAt = Number.POSITIVE_INFINITY;

  /**
   * `unref`: the timer does not keep the process alive. It then continues after the last timeout is cancelled, so that successive
   * timeouts share one timer. Default false.
   */
  constructor(clock: Clock, { unref = false }: { readonly unref?: boolean } = {}) {
    this.#clock = clock;
    this.#unref = unref;
  }

  /** Like `Clock.after`. */
  after(ms: number, over: () => void): Cancel {
    const wait: Wait = { at: this.#clock.now() + Math.max(0, ms), over };
    this.#waits.add(wait);
    if (this.#timer === undefined || wait.at < this.#timerAt) this.#arm(wait.at);
    return () => {
      if (this.#waits.delete(wait) && this.#waits.size === 0 && !this.#unref) this.#disarm();
    };
  }

  #arm(at: number): void {
    this.#timer?.();
    this.#timerAt = at;
    this.#timer = this.#clock.after(at - this.#clock.now(), () => this.#fire(), { unref: this.#unref });
  }

  #disarm(): void {
    this.#timer?.();
    this.#timer = undefined;
    this.#timerAt = Number.POSITIVE_INFINITY;
  }

  #fire(): void {
    const now = this.#clock.now();
    this.#timer = undefined;
    this.#timerAt = Number.POSITIVE_INFINITY;
    let next = Number.POSITIVE_INFINITY;
    const due: Wait[] = [];
    for (const wait of this.#waits) {
      if (wait.at <= now) due.push(wait);
      else next = Math.min(next, wait.at);
    }
    if (due.length < this.#waits.size) this.#arm(next);
    due.sort((a, b) => a.at - b.at);
    // A callback may cancel another timeout.
    for (const wait of due) if (this.#waits.delete(wait)) wait.over();
    if (this.#waits.size === 0) this.#disarm();
  }
}
