/**
 * Tells which methods held up the event loop: while one does, no call of this process goes on, and no heartbeat is sent.
 */
import type { Logger } from '../../log/index.js';
import type { Clock } from '../../tasks/index.js';
import { formatDuration } from '../../text/index.js';

const TICK_MS = 500;
/** How late a tick is that is told. */
const LATE_MS = 1000;

/**
 * Ticks while methods run, and once more after the last of them: methods that follow one another share a timer. If several run, all are
 * named: which of them it was is not seen.
 */
export class HeldLoop {
  readonly #log: Logger;
  readonly #clock: Clock;
  /** How often each runs. */
  readonly #running = new Map<string, number>();
  #isTicking = false;
  #due = 0;
  /** Begin of the first method of those that run. */
  #since = 0;

  constructor({ log, clock }: { readonly log: Logger; readonly clock: Clock }) {
    this.#log = log;
    this.#clock = clock;
  }

  /** A method begins. The function that it gives is called when it has ended. */
  begin(name: string): () => void {
    if (this.#running.size === 0) {
      this.#since = this.#clock.now();
      if (!this.#isTicking) this.#arm();
    }
    this.#running.set(name, (this.#running.get(name) ?? 0) + 1);
    return () => {
      // It may end in the turn that it held up, before the tick.
      if (this.#lateMs >= LATE_MS) this.#tell();
      const left = this.#running.get(name)! - 1;
      if (left > 0) this.#running.set(name, left);
      else this.#running.delete(name);
    };
  }

  /** Time since the tick was due, or since the methods have begun where that was later. */
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
    this.#log.warn(`The event loop was blocked for ${time} while ${methods} ran`, { lateMs: Math.round(lateMs) });
    // Told once: the tick that is late comes next.
    this.#since = this.#clock.now();
  }
}
