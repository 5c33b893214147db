/**
 * Functions that are called repeatedly, never twice at a time. The kinds differ only in the idle time between two calls: a fixed interval
 * from start to start, an interval that the function returns, and backoff.
 */
import { randomInt } from 'node:crypto';
import { PorticoError, whatItIs } from '../errors/index.js';
import { createLogger, type Logger } from '../log/index.js';
import { type Clock, pause, systemClock } from './clock.js';

/** The last argument of a repeated function or a task. */
export interface TaskContext {
  /** Aborted when the work should end, because the loop or its group is stopping. A function that ignores it continues. */
  readonly signal: AbortSignal;
}

/**
 * The arguments of a function, followed by the context. A conditional type, so that the compiler infers `A` from the passed arguments
 * and not from the function's parameters, whose last it could not distinguish from the context.
 */
export type WithContext<A extends unknown[]> = A extends unknown[] ? [...A, TaskContext] : never;

/** Returns the arguments, followed by the context. */
export function withContext<A extends unknown[]>(args: A, context: TaskContext): WithContext<A> {
  return [...args, context] as WithContext<A>;
}

/** A function to repeat, sync or async; the next cycle begins after it settles. */
export type Repeated<A extends unknown[]> = (...args: WithContext<A>) => unknown;

/** Options of `start` of all kinds of looping calls. Times are in seconds, with fractions. */
export interface LoopOptions {
  /** Seconds before the first call. Default 0. */
  readonly initialDelay?: number | null;
  /** True: the loop does not keep the process alive. Default false. */
  readonly unref?: boolean;
  /** Stops the loop when aborted, like `stop()`. */
  readonly signal?: AbortSignal;
  /** Default: standard error, with the name `tasks`. */
  readonly log?: Logger;
  /** The clock for times and timers. Default: the system's. */
  readonly clock?: Clock;
}

/** Options of the kinds that can continue after a failure. */
export interface StoppingOptions extends LoopOptions {
  /** Default true: an error of the function ends the loop and rejects `wait()`. False: it is logged, and the loop continues. */
  readonly stopOnException?: boolean;
}

/** A started loop. */
export interface StartedLoop {
  /**
   * Resolves with the value of `LoopingCallDone`, or with true after `stop()`; rejects with the error that ended the loop. Like
   * `wait()`.
   */
  readonly done: Promise<unknown>;
}

/** Thrown by a repeated function to end its loop normally; `wait()` resolves with `retvalue`, which may be false or null. */
export class LoopingCallDone extends Error {
  readonly retvalue: unknown;

  constructor(retvalue: unknown = true) {
    super('the looping call is done');
    this.name = 'LoopingCallDone';
    this.retvalue = retvalue;
  }
}

/** The error of a loop that passed its timeout. Code `PORTICO_LOOPING_CALL_TIMEOUT`. */
export class LoopingCallTimeOut extends PorticoError {
  constructor(seconds: number) {
    super('PORTICO_LOOPING_CALL_TIMEOUT', { message: `Looping call timed out after ${seconds.toFixed(2)} seconds` });
  }
}

/** Behavior of one kind of loop in one run. Created at each `start`, so that no state survives a run. */
interface LoopKind {
  /** Beginning of the message about a failed function, such as `Fixed interval looping call`. */
  readonly kind: string;
  /** Message of the error of a second `start` while the loop runs. */
  readonly alreadyRunning: string;
  /** Returns the seconds to idle after a call that returned `result`, began at `beganMs` and took `elapsed` seconds; may throw. */
  idle(result: unknown, elapsed: number, beganMs: number): number;
}

/** Result for a call that threw, if the loop continues. */
const failed: unique symbol = Symbol('failed');

/** A function with its arguments. Each kind adds a `start` method. */
export class LoopingCall<A extends unknown[]> {
  readonly #fn: Repeated<A>;
  readonly #args: A;
  #stopping: AbortController | undefined;
  #done: Promise<unknown> | undefined;

  /** Throws `PORTICO_NOT_A_FUNCTION` if `fn` is not a function. */
  constructor(fn: Repeated<A>, ...args: A) {
    checkFunction(fn, 'the function of a looping call');
    this.#fn = fn;
    this.#args = args;
  }

  /** True between `start` and the end of the loop. */
  get running(): boolean {
    return this.#stopping !== undefined;
  }

  /** The function's name, for logs and reports. */
  get functionName(): string {
    return this.#fn.name === '' ? 'anonymous' : this.#fn.name;
  }

  /**
   * Ends the loop: at once if idle, else after the current call, whose result is dropped. The loop then resolves with true. Has no
   * effect before `start` or if repeated.
   */
  stop(reason: unknown = 'stopped'): void {
    this.#stopping?.abort(reason);
  }

  /** Settles when the loop ends, like `start().done`. Rejects with `PORTICO_NOT_STARTED` before the first `start`. */
  wait(): Promise<unknown> {
    if (this.#done !== undefined) return this.#done;
    return Promise.reject(
      new PorticoError('PORTICO_NOT_STARTED', { message: `wait() before start(): '${this.functionName}' never ran` }),
    );
  }

  protected begin(kind: LoopKind, options: StoppingOptions): StartedLoop {
    if (this.#stopping !== undefined)
      throw new PorticoError('PORTICO_ALREADY_RUNNING', { message: kind.alreadyRunning });
    const stopping = new AbortController();
    const follow = (): void => stopping.abort(options.signal?.reason);
    if (options.signal?.aborted === true) follow();
    else options.signal?.addEventListener('abort', follow, { once: true });
    this.#stopping = stopping;
    const done = this.#loop(kind, options, stopping.signal).finally(() => {
      options.signal?.removeEventListener('abort', follow);
      this.#stopping = undefined;
    });
    // The failure is already logged: without a caller of wait() it must not count as an unhandled rejection.
    done.catch(() => {});
    this.#done = done;
    return { done };
  }

  async #loop(kind: LoopKind, options: StoppingOptions, signal: AbortSignal): Promise<unknown> {
    const { clock = systemClock, unref = false, initialDelay } = options;
    const idle = (seconds: number): Promise<boolean> => pause(seconds * 1000, { clock, signal, unref });
    // Never calls the function inside start(), because the caller does not have its return value yet.
    await Promise.resolve();
    if ((initialDelay ?? 0) > 0) await idle(initialDelay!);
    try {
      while (!signal.aborted) {
        const began = clock.now();
        const result = await this.#call(kind, options, signal);
        if (signal.aborted) break;
        await idle(kind.idle(result, (clock.now() - began) / 1000, began));
      }
      return true;
    } catch (error) {
      if (error instanceof LoopingCallDone) return error.retvalue;
      if (endedBy(signal, error)) return true;
      loggerOf(options).error({ err: error }, `${kind.kind} '${this.functionName}' failed`);
      throw error;
    }
  }

  async #call(kind: LoopKind, options: StoppingOptions, signal: AbortSignal): Promise<unknown> {
    try {
      return await this.#fn(...withContext(this.#args, { signal }));
    } catch (error) {
      const ends =
        (options.stopOnException ?? true) || error instanceof LoopingCallDone || error instanceof LoopingCallTimeOut;
      if (ends || endedBy(signal, error)) throw error;
      loggerOf(options).error({ err: error }, `${kind.kind} '${this.functionName}' failed`);
      return failed;
    }
  }
}

/** Reports whether work ended with this error because its signal was aborted. */
export function endedBy(signal: AbortSignal, error: unknown): boolean {
  if (!signal.aborted) return false;
  return error === signal.reason || (error instanceof Error && error.name === 'AbortError');
}

/** Returns the log; creates the default one only when a line is written. */
function loggerOf(options: { readonly log?: Logger }): Logger {
  return options.log ?? createLogger({ base: { name: 'tasks' } });
}

/**
 * Throws `PORTICO_NOT_A_FUNCTION` if `fn` is not a function; `what` names it in the message. Checked early, so that the error appears at
 * the cause and not when the function is called.
 */
export function checkFunction(fn: unknown, what: string): void {
  if (typeof fn === 'function') return;
  throw new PorticoError('PORTICO_NOT_A_FUNCTION', { message: `${what} must be a function, not ${whatItIs(fn)}` });
}

/** Options of a loop with a fixed interval. */
export type FixedIntervalOptions = StoppingOptions;

/**
 * Calls a function every `interval` seconds. A run that takes longer is followed at once by the next, with a warning; missed runs are
 * skipped. Later runs keep to the schedule of the first, so small delays do not add up.
 */
export class FixedIntervalLoopingCall<A extends unknown[]> extends LoopingCall<A> {
  /** Throws `PORTICO_ALREADY_RUNNING`, and `PORTICO_INVALID_INTERVAL` for an invalid number of seconds. 0: without a pause. */
  start(interval: number, options: FixedIntervalOptions = {}): StartedLoop {
    return this.begin(
      {
        kind: 'Fixed interval looping call',
        alreadyRunning: 'A fixed interval looping call can only run one function at a time',
        idle: fixedInterval(interval, this.functionName, options),
      },
      options,
    );
  }
}

/** Options of a loop with a fixed interval and a timeout. */
export interface FixedIntervalWithTimeoutOptions extends FixedIntervalOptions {
  /** Maximum seconds since `start()`, checked after each run and never during one. Default 0: no limit. */
  readonly timeout?: number;
}

/** Like {@link FixedIntervalLoopingCall}, but fails with `PORTICO_LOOPING_CALL_TIMEOUT` after the first run that ends past the timeout. */
export class FixedIntervalWithTimeoutLoopingCall<A extends unknown[]> extends LoopingCall<A> {
  start(interval: number, options: FixedIntervalWithTimeoutOptions = {}): StartedLoop {
    const { clock = systemClock, timeout = 0 } = options;
    const started = clock.now();
    const idle = fixedInterval(interval, this.functionName, options);
    return this.begin(
      {
        kind: 'Fixed interval looping call with timeout checking',
        alreadyRunning: 'A fixed interval looping call with timeout checking can only run one function at a time',
        idle: (result, elapsed, began) => {
          const wait = idle(result, elapsed, began);
          const total = (clock.now() - started) / 1000;
          if (timeout > 0 && total > timeout) throw new LoopingCallTimeOut(total);
          return wait;
        },
      },
      options,
    );
  }
}

type Idle = (result: unknown, elapsed: number, beganMs: number) => number;

function fixedInterval(interval: number, name: string, options: { log?: Logger; clock?: Clock }): Idle {
  if (typeof interval !== 'number' || !(interval >= 0)) throw invalidInterval(interval, name);
  let due: number | undefined;
  let warnedMs = Number.NEGATIVE_INFINITY;
  return (_result, elapsed, beganMs) => {
    const began = beganMs / 1000;
    // Keeps the schedule of the first run while no run is missed. After a longer pause it restarts, so that missed runs do not come in a
    // burst.
    if (due === undefined || Math.abs(began - due) >= interval) due = began;
    const excess = rounded(elapsed - interval, interval);
    // Without a pause there is nothing to outlast. A function that always outlasts its interval is logged once a second at most.
    if (excess > 0 && interval > 0 && !(beganMs - warnedMs < 1000)) {
      warnedMs = beganMs;
      const log = options.log ?? createLogger({ base: { name: 'tasks' } });
      log.warn(`Function ${name} run outlasted interval by ${excess.toFixed(interval < SHORT ? 4 : 2)} sec`);
    }
    if (excess >= 0) {
      due = undefined;
      return 0;
    }
    due += interval;
    return Math.max(0, -rounded(began + elapsed - due, interval));
  };
}

function invalidInterval(interval: unknown, name: string): PorticoError {
  return new PorticoError('PORTICO_INVALID_INTERVAL', {
    message: `the interval of looping call '${name}' must be a number of seconds, 0 or more, not ${whatItIs(interval)}`,
    hint: 'Fractions are allowed; 0 means without a pause.',
  });
}

/** Intervals below this number of seconds are not rounded. */
const SHORT = 0.1;

/** Rounds to hundredths of a second, to ignore noise in waits and warnings; not for intervals below `SHORT`. */
function rounded(seconds: number, interval: number): number {
  return interval < SHORT ? seconds : Math.round(seconds * 100) / 100;
}

/** Options of a dynamic loop. */
export interface DynamicOptions extends StoppingOptions {
  /** Maximum idle seconds, and the default if the function returns none. Default: no limit. */
  readonly periodicIntervalMax?: number | null;
}

/** Idle seconds after a failed call without `periodicIntervalMax`; without a pause the loop would spin. */
const AFTER_FAILURE = 1;

/**
 * Calls a function, idles for the number of seconds that it returned, and repeats. For null or undefined it idles for
 * `periodicIntervalMax`; without that option, the loop fails with `PORTICO_NO_INTERVAL`. For a number below 0 it fails with
 * `PORTICO_INVALID_INTERVAL`.
 */
export class DynamicLoopingCall<A extends unknown[]> extends LoopingCall<A> {
  start(options: DynamicOptions = {}): StartedLoop {
    const max = options.periodicIntervalMax ?? undefined;
    return this.begin(
      {
        kind: 'Dynamic interval looping call',
        alreadyRunning: 'A dynamic interval looping call can only run one function at a time',
        idle: (result) => {
          if (result === failed) return max ?? AFTER_FAILURE;
          const wanted = result ?? max;
          if (typeof wanted !== 'number' || Number.isNaN(wanted)) throw noInterval(result);
          if (wanted < 0) throw invalidInterval(wanted, this.functionName);
          return max === undefined ? wanted : Math.min(wanted, max);
        },
      },
      options,
    );
  }
}

function noInterval(result: unknown): PorticoError {
  const returned = result === null || result === undefined ? '' : ` (the function returned a ${typeof result})`;
  return new PorticoError('PORTICO_NO_INTERVAL', {
    message: `A dynamic interval looping call should supply either an interval or periodic_interval_max${returned}`,
  });
}

/** Returns a normally distributed random number with this mean and standard deviation. */
export type Gaussian = (mean: number, deviation: number) => number;

/** Options of a loop with backoff. Times are in seconds. */
export interface BackOffOptions extends LoopOptions {
  /** The interval at the start and after each success. Default 1. */
  readonly startingInterval?: number;
  /** Maximum total idle time in a row without success. Default 300; 0: no limit. */
  readonly timeout?: number;
  /** Maximum idle time after a failure. Default 300. */
  readonly maxInterval?: number;
  /** Mean of the random factor of each idle time; the standard deviation is 0.1. Default 0.75. */
  readonly jitter?: number;
  /** Minimum idle time after a failure. Default 0.001. */
  readonly minInterval?: number;
  /** Default: a source of random numbers from the operating system. */
  readonly gaussian?: Gaussian;
}

const DEVIATION = 0.1;

/**
 * Calls a function until it throws `LoopingCallDone`. A truthy result is a success and resets the interval. A falsy result doubles it,
 * times a random factor. Fails with `PORTICO_LOOPING_CALL_TIMEOUT` instead of idling past `timeout`. Any other error of the function ends
 * the loop.
 */
export class BackOffLoopingCall<A extends unknown[]> extends LoopingCall<A> {
  start(options: BackOffOptions = {}): StartedLoop {
    const { startingInterval = 1, timeout = 300, maxInterval = 300, jitter = 0.75, minInterval = 0.001 } = options;
    const { gaussian = secureGaussian } = options;
    let interval = startingInterval;
    let errorTime = 0;
    return this.begin(
      {
        kind: 'Dynamic backoff interval looping call',
        alreadyRunning: 'A back off interval looping call can only run one function at a time',
        idle: (result) => {
          const factor = Math.abs(gaussian(jitter, DEVIATION));
          if (result) {
            interval = startingInterval;
            errorTime = 0;
            return interval * factor;
          }
          const idle = Math.min(Math.max(interval * 2 * factor, minInterval), maxInterval);
          interval = Math.max(interval * 2 * jitter, minInterval);
          if (timeout > 0 && errorTime + idle > timeout) throw new LoopingCallTimeOut(errorTime + idle);
          errorTime += idle;
          return idle;
        },
      },
      { ...options, stopOnException: true },
    );
  }
}

/** Returns a random number by the Box–Muller transform, from two uniform numbers of the operating system. */
function secureGaussian(mean: number, deviation: number): number {
  const steps = 2 ** 32;
  const radius = Math.sqrt(-2 * Math.log((randomInt(steps) + 1) / steps));
  return mean + deviation * radius * Math.cos((2 * Math.PI * randomInt(steps)) / steps);
}
