/**
 * Time limits of a server's stop: for requests in progress, and for idle connections.
 */
import type { StopOptions } from '../service/index.js';

/**
 * Returns the milliseconds that idle connections may stay. After a replacement, as long as their clients may still use
 * them.
 */
export function idleTime(reason: StopOptions['reason'], keepAliveS: number, drainIdleS = 0.25): number {
  if (reason !== 'replaced') return drainIdleS * 1000;
  return keepAliveS === 0 ? Number.POSITIVE_INFINITY : keepAliveS * 1000;
}

/**
 * Time limit of a stop over all calls: `stop()` may be called again while it runs, and a later call can only tighten
 * its terms.
 */
export class StopTerms {
  /** Milliseconds that an idle connection may stay. */
  idleMs = Number.POSITIVE_INFINITY;
  /** True if the stop must end without waiting. */
  forced = false;
  readonly #changed: () => void;
  readonly #over = new AbortController();
  /** Aborted when no time is left: forced, past the deadline, or aborted. */
  readonly signal: AbortSignal = this.#over.signal;
  readonly #released = new AbortController();
  #deadlineAt = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  /** `changed` is called whenever the terms become tighter. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Adds the terms of one call of `stop()`; `idleMs` is the time that its reason leaves to idle connections. */
  tighten({ graceful, deadlineMs = 0, signal }: StopOptions, idleMs: number): void {
    this.idleMs = Math.min(this.idleMs, idleMs);
    if (graceful !== true) this.forced = true;
    if (deadlineMs > 0 && performance.now() + deadlineMs < this.#deadlineAt) {
      this.#deadlineAt = performance.now() + deadlineMs;
      clearTimeout(this.#timer);
      // Node fires a timer above this limit after 1 ms; a later deadline is ignored.
      if (deadlineMs < 2 ** 31) this.#timer = setTimeout(this.#expire, deadlineMs);
    }
    signal?.addEventListener('abort', this.#expire, { once: true, signal: this.#released.signal });
    if (this.forced || signal?.aborted === true) this.#over.abort();
    this.#changed();
  }

  /** Releases timer and signals: the stop has ended. */
  release(): void {
    clearTimeout(this.#timer);
    this.#released.abort();
  }

  #expire = (): void => {
    this.#over.abort();
    this.#changed();
  };
}
