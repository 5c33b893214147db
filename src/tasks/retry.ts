/** Retries of functions after temporary errors. */
import { isObject, PorticoError, unknownOption, whatItIs } from '../errors/index.js';
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
  checkOptions(options);
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

const isTime = (value: unknown): boolean => typeof value === 'number' && value >= 0;

/** The options, each with a description and a check of its values. */
const OPTIONS: Readonly<Record<keyof RetryOptions, readonly [what: string, check: (value: unknown) => boolean]>> = {
  maxRetryCount: ['a whole number, or -1 for no limit', (value) => Number.isInteger(value) && Number(value) >= -1],
  incSleepTime: ['a number of seconds, 0 or more', isTime],
  maxSleepTime: ['a number of seconds, 0 or more', isTime],
  exceptions: [
    'a class of errors, a list of them, or a function',
    (value) =>
      typeof value === 'function' || (Array.isArray(value) && value.every((type) => typeof type === 'function')),
  ],
  signal: ['an AbortSignal', (value) => value instanceof AbortSignal],
  clock: ['a clock', (value) => typeof (value as Partial<Clock> | null)?.after === 'function'],
};

function checkOptions(options: RetryOptions): void {
  if (!isObject(options)) {
    throw invalid(
      `the options of retry are an object, not ${whatItIs(options)}`,
      'Write retry({ exceptions: [TimeoutError] })(fn).',
    );
  }
  const unknown = unknownOption(options, Object.keys(OPTIONS));
  if (unknown !== undefined) throw invalid(`retry has no option "${unknown.name}"`, unknown.hint);
  for (const [name, [what, check]] of Object.entries(OPTIONS)) {
    const value = (options as Record<string, unknown>)[name];
    if (value !== undefined && !check(value)) throw invalid(`the ${name} of retry is ${what}, not ${whatItIs(value)}`);
  }
}

function invalid(message: string, hint?: string): PorticoError {
  return new PorticoError('PORTICO_INVALID_RETRY', { message, hint });
}
