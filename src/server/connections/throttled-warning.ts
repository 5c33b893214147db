/**
 * A warning of what may happen thousands of times a second.
 */
import type { LogFields, Logger } from '../../log/index.js';

/** One line in so many milliseconds, with the count of what it stands for. */
export class ThrottledWarning {
  readonly #log: Logger;
  readonly #message: string;
  readonly #everyMs: number;
  #toldAt = Number.NEGATIVE_INFINITY;
  #count = 0;

  constructor(log: Logger, message: string, everyMs = 10_000) {
    this.#log = log;
    this.#message = message;
    this.#everyMs = everyMs;
  }

  /** Notes that it happened; tells it, unless it was told a moment ago. */
  note(fields: LogFields): void {
    this.#count++;
    const now = performance.now();
    if (now - this.#toldAt < this.#everyMs) return;
    this.#toldAt = now;
    this.#log.warn(this.#message, { ...fields, count: this.#count });
    this.#count = 0;
  }
}
