/**
 * Calling a function again when it failed in a way that may pass.
 */
import { isObject, PorticoError, unknownOption, whatItIs } from '../errors/index.js';
import { type Clock, pause, systemClock } from './clock.js';

export type ErrorClass = abstract new (...args: never[]) => Error;

/** Errors that are worth another try: a class, several, or a predicate. */
export type Retryable = ErrorClass | readonly ErrorClass[] | ((error: unknown) => boolean);

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
  /** Times and timers. Default: those of the system. */
  readonly clock?: Clock;
}

/** Wraps a function, or marks a method as `@retry({ … })`. */
export type Retrying = <A extends unknown[], R, T = unknown>(
  fn: (this: T, ...args: A) => R | PromiseLike<R>,
  context?: ClassMethodDecoratorContext,
) => (this: T, ...args: A) => Promise<R>;

/**
 * Gives a function that wraps another: it calls it, and again after each error that is one of `exceptions`, until it
 * succeeds or has been retried `maxRetryCount` times; then the last error is thrown. Each call counts for itself. Throws
 * `PORTICO_INVALID_RETRY` for options that do not exist or cannot be.
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
          if (!(await pause(seconds * 1000, { clock, ...(signal === undefined ? {} : { signal }) }))) throw error;
        }
      }
    };
}

/** As {@link retry}, under the name it has in oslo.service; with `new` or without. */
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

/** Each option with what its value has to be. */
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
