/**
 * Time for everything that repeats: monotonic, so that setting the wall clock never stops, speeds up or bursts a timer,
 * and a parameter, so that a test can hand in its own (`FakeClock` of `portico/testing`).
 */
import { setLongTimeout } from '../process/index.js';

/** Takes back what {@link Clock.after} promised. Harmless when it has already run. */
export type Cancel = () => void;

/** A source of time. */
export interface Clock {
  /** Milliseconds since an arbitrary moment; never goes back. */
  now(): number;
  /**
   * Runs `fn` once, `ms` milliseconds from now or a little later; 0 or less means the next turn of the event loop, never
   * this one. Any length works, `Infinity` included. With `unref` the wait alone does not keep the process alive.
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

/** By so much a stop's own clock is behind the signal of its caller. */
const BEHIND_CALLER_MS = 100;

/**
 * Milliseconds after which a stop with a deadline ends by its own clock. A caller that gives a signal as well counts the time: it
 * looks what is under way, then raises the signal. A clock that ran beside it would now and then end the work first, and the caller
 * take that for an end in time.
 */
export function ownLimitMs(deadlineMs: number, signal: AbortSignal | undefined): number {
  return signal === undefined ? deadlineMs : deadlineMs + BEHIND_CALLER_MS;
}

/**
 * Waits. True when the whole time passed, false when `signal` was aborted first; never rejects. 0 or less yields to the
 * event loop once.
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

/** How long {@link within} waits. */
export interface Limit {
  /** Milliseconds. */
  readonly ms: number;
  readonly clock?: Clock;
  /** Ends the wait as well. */
  readonly signal?: AbortSignal | undefined;
  /** The wait alone does not keep the process alive. */
  readonly unref?: boolean;
}

/**
 * The outcome of `work`, or of `late` when the time is up or the signal is raised before: undefined where `late` is left
 * out. The work goes on. `limit`: milliseconds, or an object with a clock and a signal as well.
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
    // Behind work that has settled already.
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
