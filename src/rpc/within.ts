/**
 * A wait with an end, for what does not end by itself.
 */
import type { Clock } from '../tasks/index.js';

/** How long {@link within} waits. */
export interface Limit {
  readonly clock: Clock;
  /** By the clock. */
  readonly until: number;
  /** What it rejects with then. */
  readonly late: () => Error;
  /** Ends the wait, with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Settles as `work` does. Rejects when the time is up before, or `signal` is raised; the work goes on. */
export async function within<T>(work: Promise<T>, { clock, until, late, signal }: Limit): Promise<T> {
  let forget = (): void => {};
  const over = new Promise<never>((_, reject) => {
    const aborted = (): void => reject(signal?.reason as Error);
    const cancel = clock.after(until - clock.now(), () => reject(late()));
    signal?.addEventListener('abort', aborted, { once: true });
    forget = () => {
      cancel();
      signal?.removeEventListener('abort', aborted);
    };
  });
  try {
    return await Promise.race([work, over]);
  } finally {
    forget();
  }
}
