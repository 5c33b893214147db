/**
 * Tells which methods held up the event loop: while one does, no call of this process goes on, and no heartbeat is sent.
 */
import type { Logger } from '../../log/index.js';
import type { Cancel, Clock } from '../../tasks/index.js';
import { formatDuration } from '../../text/index.js';

const TICK_MS = 500;
/** How late a tick is that is told. */
const LATE_MS = 1000;

/** Ticks while methods run. Where several do, all are named: which of them it was is not seen. */
export class HeldLoop {
  readonly #log: Logger;
  readonly #clock: Clock;
  /** How often each runs. */
  readonly #running = new Map<string, number>();
  #cancel: Cancel = () => {};
  #due = 0;

  constructor({ log, clock }: { readonly log: Logger; readonly clock: Clock }) {
    this.#log = log;
    this.#clock = clock;
  }

  /** A method begins. The function that it gives is called when it has ended. */
  begin(name: string): () => void {
    if (this.#running.size === 0) this.#arm();
    this.#running.set(name, (this.#running.get(name) ?? 0) + 1);
    return () => {
      // It may end in the turn that it held up, before the tick.
      if (this.#lateMs >= LATE_MS) this.#tick();
      const left = this.#running.get(name)! - 1;
      if (left > 0) this.#running.set(name, left);
      else this.#running.delete(name);
      if (this.#running.size === 0) this.#cancel();
    };
  }

  get #lateMs(): number {
    return this.#clock.now() - this.#due;
  }

  #arm(): void {
    this.#cancel();
    this.#due = this.#clock.now() + TICK_MS;
    this.#cancel = this.#clock.after(TICK_MS, () => this.#tick(), { unref: true });
  }

  #tick(): void {
    const lateMs = this.#lateMs;
    if (lateMs >= LATE_MS) {
      const methods = [...this.#running.keys()].join(', ');
      const time = formatDuration(lateMs / 1000);
      this.#log.warn(`The event loop was held up for ${time}, while ${methods} ran`, { lateMs: Math.round(lateMs) });
    }
    this.#arm();
  }
}
