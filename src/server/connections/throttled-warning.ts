/**
 * A warning of what may happen thousands of times a second.
 */
import type { LogFields, Logger } from '../../log/index.js';

const EVERY_MS = 10_000;

/** One line in ten seconds, with the count of what it stands for. */
export class ThrottledWarning {
  readonly #log: Logger;
  readonly #message: string;
  #toldAt = Number.NEGATIVE_INFINITY;
  #count = 0;

  constructor(log: Logger, message: string) {
    this.#log = log;
    this.#message = message;
  }

  /** Notes that it happened; tells it, unless it was told a moment ago. */
  note(fields: LogFields): void {
    this.#count++;
    const now = performance.now();
    if (now - this.#toldAt < EVERY_MS) return;
    this.#toldAt = now;
    this.#log.warn(this.#message, { ...fields, count: this.#count });
    this.#count = 0;
  }
}
