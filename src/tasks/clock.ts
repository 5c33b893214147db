/**
 * Clocks and waiting. Clocks are monotonic, so that a change of the wall clock never stops, speeds up or bursts a timer; and they are a
 * parameter, so that a test can pass its own (`FakeClock` of `portico/testing`).
 */
import { setLongTimeout } from '../process/index.js';

/** Cancels a call of {@link Clock.after}. Has no effect after the call. */
export type Cancel = () => void;

/** A source of time. */
export interface Clock {
  /** Returns milliseconds since an arbitrary moment; never decreases. */
  now(): number;
  /**
   * Calls `fn` once, `ms` milliseconds from now or a little later; 0 or less means the next turn of the event loop, never this one. Any
   * length works, including `Infinity`. With `unref`, the timer does not keep the process alive.
   */
  after(ms: number, fn: () => void, options?: { readonly unref?: boolean }): Cancel;
}

/** The clock of this process. */
export const systemClock: Clock = Object.freeze({
  now: () => performance.now(),
  after(ms: number, fn: () => void, options: { readonly unref?: boolean } = {}): Cancel {
    if (!(ms > 0)) {
      const immediate = setImmediate(fn);
      if (options.unref === true) immediate.unref();
      return () => clearImmediate(immediate);
    }
    return setLongTimeout(fn, ms, options);
  },
});

/** Milliseconds between the deadline, when the caller aborts its signal, and the stop's own timeout. */
const BEHIND_CALLER_MS = 100;

/**
 * Returns the milliseconds after which a stop with a deadline times out by itself. A caller that passes a signal measures the time
 * itself: it reads the work in flight, then aborts the signal. A timer with the same limit would sometimes end the work first, and the
 * caller would count that as finished in time.
 */
export function ownLimitMs(deadlineMs: number, signal: AbortSignal | undefined): number {
  return signal === undefined ? deadlineMs : deadlineMs + BEHIND_CALLER_MS;
}

/**
 * Waits. Resolves with true after the whole time, with false if `signal` is aborted first; never rejects. 0 or less yields to the event
 * loop once.
 */
export function pause(
  ms: number,
  options: { readonly clock?: Clock; readonly signal?: AbortSignal | undefined; readonly unref?: boolean } = {},
): Promise<boolean> {
  const { clock = systemClock, signal, unref = false } = options;
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve(false);
    const interrupted = (): void => {
      cancel();
      resolve(false);
    };
    const cancel = clock.after(
      ms,
      () => {
        signal?.removeEventListener('abort', interrupted);
        resolve(true);
      },
      { unref },
    );
    signal?.addEventListener('abort', interrupted, { once: true });
  });
}

/** Limits of {@link within}. */
export interface Limit {
  /** Milliseconds. */
  readonly ms: number;
  readonly clock?: Clock;
  /** Ends the wait when aborted. */
  readonly signal?: AbortSignal | undefined;
  /** True: the timer does not keep the process alive. */
  readonly unref?: boolean;
}

/**
 * Returns the result of `work`, or of `late` if the time ends or the signal is aborted first; undefined without `late`. The work
 * continues. `limit`: milliseconds, or an object that can also have a clock and a signal.
 */
export function within<T, L = undefined>(
  work: Promise<T>,
  limit: number | Limit,
  late: () => L = () => undefined as L,
): Promise<T | L> {
  const { ms, clock = systemClock, signal, unref = false }: Limit = typeof limit === 'number' ? { ms: limit } : limit;
  return new Promise<T | L>((resolve, reject) => {
    let isOver = false;
    const end = (): void => {
      isOver = true;
      cancel();
      signal?.removeEventListener('abort', raised);
    };
    const over = (): void => {
      if (isOver) return;
      end();
      try {
        resolve(late());
      } catch (error) {
        reject(error as Error);
      }
    };
    // Two microtasks later, so that work that has already settled comes first.
    const raised = (): void => queueMicrotask(() => queueMicrotask(over));
    const cancel = clock.after(ms, over, { unref });
    work.then(
      (value) => {
        end();
        resolve(value);
      },
      (error: unknown) => {
        end();
        reject(error as Error);
      },
    );
    if (signal?.aborted === true) raised();
    else signal?.addEventListener('abort', raised, { once: true });
  });
}
