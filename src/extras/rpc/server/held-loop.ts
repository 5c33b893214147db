/**
 * Reports which methods blocked the event loop: meanwhile no call of this process continues, and no heartbeat is sent.
 */
import { formatDuration, type Logger } from 'portico/extension';
import type { Clock } from 'portico/tasks';

const TICK_MS = 500;
/** Lateness of a tick that is logged. */
const LATE_MS = 1000;

/**
 * Ticks while methods run, and once more after the last one: methods that follow one another share a timer. If several run, all are named,
 * because the one that blocked is unknown.
 */
export class HeldLoop {
  readonly #log: Logger;
  readonly #clock: Clock;
  /** Number of runs of each method. */
  readonly #running = new Map<string, number>();
  #isTicking = false;
  #due = 0;
  /** Start of the first of the running methods. */
  #since = 0;

  constructor({ log, clock }: { readonly log: Logger; readonly clock: Clock }) {
    this.#log = log;
    this.#clock = clock;
  }

  /** Records the start of a method. The returned function must be called at its end. */
  begin(name: string): () => void {
    if (this.#running.size === 0) {
      this.#since = this.#clock.now();
      if (!this.#isTicking) this.#arm();
    }
    this.#running.set(name, (this.#running.get(name) ?? 0) + 1);
    return () => {
      // It may end in the turn that it blocked, before the tick.
      if (this.#lateMs >= LATE_MS) this.#tell();
      const left = this.#running.get(name)! - 1;
      if (left > 0) this.#running.set(name, left);
      else this.#running.delete(name);
    };
  }

  /** Time since the tick was due, or since the methods have started if that was later. */
  get #lateMs(): number {
    return this.#clock.now() - Math.max(this.#due, this.#since);
  }

  #arm(): void {
    this.#isTicking = true;
    this.#due = this.#clock.now() + TICK_MS;
    this.#clock.after(TICK_MS, () => this.#tick(), { unref: true });
  }

  #tick(): void {
    this.#isTicking = false;
    if (this.#running.size === 0) return;
    if (this.#lateMs >= LATE_MS) this.#tell();
    this.#arm();
  }

  #tell(): void {
    const lateMs = this.#lateMs;
    const methods = [...this.#running.keys()].join(', ');
    const time = formatDuration(lateMs / 1000);
    this.#log.warn({ lateMs: Math.round(lateMs) }, `The event loop was blocked for ${time} while ${methods} ran`);
    // Logged once: the late tick follows.
    this.#since = this.#clock.now();
  }
}
