/**
 * Which messages this process has begun to work on: a broker may deliver one twice.
 */
import type { Clock } from '../../tasks/index.js';

const KEEP = 10_000;
const KEEP_MS = 600_000;

/** Remembers ids of the last ten minutes, ten thousand at most. */
export class SeenMessages {
  readonly #clock: Clock;
  /** In the order they came. */
  readonly #ids = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  has(id: string): boolean {
    const at = this.#ids.get(id);
    return at !== undefined && this.#clock.now() - at < KEEP_MS;
  }

  add(id: string): void {
    this.#ids.delete(id);
    this.#ids.set(id, this.#clock.now());
    if (this.#ids.size > KEEP) this.#ids.delete(this.#ids.keys().next().value!);
  }

  /** It is to come again. */
  forget(id: string): void {
    this.#ids.delete(id);
  }
}
