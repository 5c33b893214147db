/**
 * A log line for something that may happen thousands of times a second: at most one in ten seconds, with the count of
 * what it stands for.
 */
import type { LogFields, Logger } from '../../log/index.js';

const EVERY_MS = 10_000;

/** One message, told seldom. */
export class SeldomLine {
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
