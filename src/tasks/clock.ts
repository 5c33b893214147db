/**
 * Time for everything that repeats: monotonic, so that setting the wall clock never stops, speeds up or bursts a timer,
 * and a parameter, so that a test can hand in its own (`FakeClock` of `portico/testing`).
 */

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

/** The longest delay Node's timers hold; a longer one would fire after 1 ms. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** The clock of this process. */
export const systemClock: Clock = Object.freeze({
  now: () => performance.now(),
  after(ms: number, fn: () => void, options: { readonly unref?: boolean } = {}): Cancel {
    if (!(ms > 0)) {
      const immediate = setImmediate(fn);
      if (options.unref === true) immediate.unref();
      return () => clearImmediate(immediate);
    }
    const due = performance.now() + ms;
    let timer: NodeJS.Timeout;
    const arm = (): void => {
      const left = due - performance.now();
      timer =
        left > LONGEST_TIMEOUT_MS ? setTimeout(arm, LONGEST_TIMEOUT_MS) : setTimeout(fn, Math.max(0, Math.ceil(left)));
      if (options.unref === true) timer.unref();
    };
    arm();
    return () => clearTimeout(timer);
  },
});

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
