/**
 * Calling a function again when it failed in a way that may pass.
 */
import { type Clock, pause, systemClock } from './clock.js';

/** Which errors are worth another try: classes, or a function that says so. */
export type Retryable = readonly (abstract new (...args: never[]) => Error)[] | ((error: unknown) => boolean);

/** How often and how long. Times in seconds. */
export interface RetryOptions {
  /** Tries after the first. Default -1: without end. */
  readonly maxRetryCount?: number;
  /** The wait before retry k is k times this. Default 10. */
  readonly incSleepTime?: number;
  /** The longest wait. Default 60. */
  readonly maxSleepTime?: number;
  /** Default: none, so that nothing is retried. */
  readonly exceptions?: Retryable;
  /** Ends the waiting when aborted; the last error is thrown then. */
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
}

/** Wraps a function, or marks a method as `@retry({ … })`. */
export type Retrying = <A extends unknown[], R, T = unknown>(
  fn: (this: T, ...args: A) => R | PromiseLike<R>,
  context?: ClassMethodDecoratorContext,
) => (this: T, ...args: A) => Promise<R>;

/**
 * Gives a function that wraps another: it calls it, and again after each error that is one of `exceptions`, until it
 * succeeds or has been retried `maxRetryCount` times; then the last error is thrown. Each call counts for itself.
 */
export function retry(options: RetryOptions = {}): Retrying {
  const { maxRetryCount = -1, incSleepTime = 10, maxSleepTime = 60, signal, clock = systemClock } = options;
  const isRetryable = retryable(options.exceptions ?? []);
  return (fn) =>
    async function retried(...args) {
      for (let retries = 0; ; retries++) {
        try {
          return await fn.apply(this, args);
        } catch (error) {
          const exhausted = maxRetryCount !== -1 && retries >= maxRetryCount;
          if (exhausted || !isRetryable(error)) throw error;
          const seconds = Math.min((retries + 1) * incSleepTime, maxSleepTime);
          if (!(await pause(seconds * 1000, { clock, ...(signal === undefined ? {} : { signal }) }))) throw error;
        }
      }
    };
}

/** As {@link retry}, under the name it has in oslo.service; with `new` or without. */
export const RetryDecorator = retry as typeof retry & (new (options?: RetryOptions) => Retrying);

function retryable(exceptions: Retryable): (error: unknown) => boolean {
  if (typeof exceptions === 'function') return exceptions;
  return (error) => exceptions.some((type) => error instanceof type);
}
