/**
 * Many waits by one timer: most end before their time, and a timer for each would be made for nothing.
 */
import type { Cancel, Clock } from './clock.js';

interface Wait {
  /** By the clock. */
  readonly at: number;
  readonly over: () => void;
}

/** Has a timer while something waits, for what is due first. */
export class Deadlines {
  readonly #clock: Clock;
  readonly #unref: boolean;
  readonly #waits = new Set<Wait>();
  #timer: Cancel | undefined;
  /** When the timer fires; it may be for a wait that has ended. */
  #timerAt = Number.POSITIVE_INFINITY;

  /**
   * `unref`: a wait alone does not keep the process alive, so the timer may outlive it: waits that follow one another share one timer.
   * Default false.
   */
  constructor(clock: Clock, { unref = false }: { readonly unref?: boolean } = {}) {
    this.#clock = clock;
    this.#unref = unref;
  }

  /** As `Clock.after`. */
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
    // One of them may end another.
    for (const wait of due) if (this.#waits.delete(wait)) wait.over();
    if (this.#waits.size === 0) this.#disarm();
  }
}
