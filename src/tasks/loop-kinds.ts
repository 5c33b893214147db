/**
 * The kinds of looping calls: at a fixed interval from start to start, after an interval that the function returns, and with backoff
 * until the function succeeds.
 */
import { randomInt } from 'node:crypto';
import { PorticoError, whatItIs } from '../errors/index.js';
import { createLogger, type Logger } from '../log/index.js';
import { type Clock, systemClock } from './clock.js';
import {
  failed,
  LoopingCall,
  LoopingCallTimeOut,
  type LoopOptions,
  type StartedLoop,
  type StoppingOptions,
} from './looping-call.js';

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
