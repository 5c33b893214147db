/** Retries of functions after temporary errors. */
import { checkOptions, type OptionKind } from '../errors/index.js';
import { type Clock, pause, systemClock } from './clock.js';

export type ErrorClass = abstract new (...args: never[]) => Error;

/** Errors to retry: a class, several classes, or a predicate. */
export type Retryable = ErrorClass | readonly ErrorClass[] | ((error: unknown) => boolean);

/** Options of {@link retry}. Times are in seconds. */
export interface RetryOptions {
  /** Maximum number of retries after the first attempt. Default -1: no limit. */
  readonly maxRetryCount?: number;
  /** The wait before retry k is k times this. Default 10. */
  readonly incSleepTime?: number;
  /** Maximum wait. Default 60. */
  readonly maxSleepTime?: number;
  /** Default: none, so nothing is retried. */
  readonly exceptions?: Retryable;
  /** Ends the waiting when aborted; the last error is then thrown. */
  readonly signal?: AbortSignal;
  /** The clock for times and timers. Default: the system's. */
  readonly clock?: Clock;
}

/** Wraps a function, or decorates a method: `@retry({ … })`. */
export type Retrying = <A extends unknown[], R, T = unknown>(
  fn: (this: T, ...args: A) => R | PromiseLike<R>,
  context?: ClassMethodDecoratorContext,
) => (this: T, ...args: A) => Promise<R>;

/**
 * Returns a wrapper for functions that retries after each error in `exceptions`, until the function succeeds or has been retried
 * `maxRetryCount` times; then throws the last error. Each call counts separately. Throws `PORTICO_INVALID_RETRY` for unknown or invalid
 * options.
 */
export function retry(options: RetryOptions = {}): Retrying {
  checkOptions('PORTICO_INVALID_RETRY', 'retry', options, KINDS);
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
          if (!(await pause(seconds * 1000, { clock, signal }))) throw error;
        }
      }
    };
}

/** The function {@link retry} under its name in oslo.service; works with and without `new`. */
export const RetryDecorator = retry as typeof retry & (new (options?: RetryOptions) => Retrying);

function retryable(exceptions: Retryable): (error: unknown) => boolean {
  if (isErrorClass(exceptions)) return (error) => error instanceof exceptions;
  if (typeof exceptions === 'function') return exceptions as (error: unknown) => boolean;
  return (error) => exceptions.some((type) => error instanceof type);
}

function isErrorClass(value: unknown): value is ErrorClass {
  return typeof value === 'function' && (value === Error || value.prototype instanceof Error);
}

const SECONDS: OptionKind = {
  noun: 'a number of seconds, 0 or more',
  has: (value) => typeof value === 'number' && value >= 0,
};

const isClass = (value: unknown): boolean => typeof value === 'function';

const KINDS: Readonly<Record<keyof RetryOptions, OptionKind>> = {
  maxRetryCount: {
    noun: 'a whole number, or -1 for no limit',
    has: (value) => Number.isInteger(value) && Number(value) >= -1,
  },
  incSleepTime: SECONDS,
  maxSleepTime: SECONDS,
  exceptions: {
    noun: 'a class of errors, a list of them, or a function',
    has: (value) => isClass(value) || (Array.isArray(value) && value.every(isClass)),
  },
  signal: { noun: 'an AbortSignal', has: (value) => value instanceof AbortSignal },
  clock: { noun: 'a clock', has: (value) => typeof (value as Partial<Clock> | null)?.after === 'function' },
};
