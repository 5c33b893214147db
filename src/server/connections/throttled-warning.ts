/**
 * A warning of an event that may occur thousands of times a second.
 */
import type { LogFields, Logger } from '../../log/index.js';

/** Logs one line in each interval, with the number of events. */
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

  /** Counts an event; logs it unless a line was logged a moment ago. */
  note(fields: LogFields): void {
    this.#count++;
    const now = performance.now();
    if (now - this.#toldAt < this.#everyMs) return;
    this.#toldAt = now;
    this.#log.warn(this.#message, { ...fields, count: this.#count });
    this.#count = 0;
  }
}
