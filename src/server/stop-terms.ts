/**
 * How long the stop of a server may take: requests at work, and idle connections.
 */
import type { StopOptions } from '../service/index.js';

/** Milliseconds that idle connections may stay. After a replacement as long as their clients may still use them. */
export function idleTime(reason: StopOptions['reason'], keepAliveS: number, drainIdleS = 0.25): number {
  if (reason !== 'replaced') return drainIdleS * 1000;
  return keepAliveS === 0 ? Number.POSITIVE_INFINITY : keepAliveS * 1000;
}

/**
 * How long a stop may take, over all calls that asked for it: `stop()` may be called again while it runs, and a later call can
 * only tighten its terms.
 */
export class StopTerms {
  /** Milliseconds an idle connection may stay. */
  idleMs = Number.POSITIVE_INFINITY;
  /** The stop is to end without waiting. */
  forced = false;
  readonly #changed: () => void;
  readonly #over = new AbortController();
  readonly #released = new AbortController();
  #deadlineAt = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  /** `changed` is called whenever the terms became tighter. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Raised when there is no time left: forced, past the deadline, or aborted. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  get over(): boolean {
    return this.signal.aborted;
  }

  /** Adds what one call of `stop()` asks for; `idleMs` is what its reason leaves to idle connections. */
  tighten({ graceful, deadlineMs = 0, signal }: StopOptions, idleMs: number): void {
    this.idleMs = Math.min(this.idleMs, idleMs);
    if (graceful !== true) this.forced = true;
    if (deadlineMs > 0 && performance.now() + deadlineMs < this.#deadlineAt) {
      this.#deadlineAt = performance.now() + deadlineMs;
      clearTimeout(this.#timer);
      // Node runs a timer above this limit after 1 ms; a later deadline is ignored.
      if (deadlineMs < 2 ** 31) this.#timer = setTimeout(this.#expire, deadlineMs);
    }
    signal?.addEventListener('abort', this.#expire, { once: true, signal: this.#released.signal });
    if (this.forced || signal?.aborted === true) this.#over.abort();
    this.#changed();
  }

  /** Lets go of timer and signals: the stop has ended. */
  release(): void {
    clearTimeout(this.#timer);
    this.#released.abort();
  }

  #expire = (): void => {
    this.#over.abort();
    this.#changed();
  };
}
