/**
 * The kinds of looping calls: at a fixed interval from start to start, after as long as the function says, and later and later as
 * long as it does not succeed.
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

/** How a loop at a fixed interval is started. */
export type FixedIntervalOptions = StoppingOptions;

/**
 * Calls a function every `interval` seconds. A run that takes longer than that is followed by the next at once, with a
 * warning; missed runs are not made up. Runs keep to the times of the first one, so small delays do not add up.
 */
export class FixedIntervalLoopingCall<A extends unknown[]> extends LoopingCall<A> {
  /** Throws `PORTICO_ALREADY_RUNNING`, and `PORTICO_INVALID_INTERVAL` for what is not a number of seconds. 0: without a pause. */
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

/** A fixed interval with a limit for the whole loop. */
export interface FixedIntervalWithTimeoutOptions extends FixedIntervalOptions {
  /** Seconds since `start()`, checked after each run and never during one. Default 0: no limit. */
  readonly timeout?: number;
}

/** As {@link FixedIntervalLoopingCall}; ends with {@link LoopingCallTimeOut} after the first run past the time limit. */
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
  if (typeof interval !== 'number' || !(interval >= 0)) {
    throw new PorticoError('PORTICO_INVALID_INTERVAL', {
      message: `the interval of looping call '${name}' must be a number of seconds, not ${whatItIs(interval)}`,
      hint: 'Fractions are allowed; 0 means without a pause.',
    });
  }
  let due: number | undefined;
  let warnedMs = Number.NEGATIVE_INFINITY;
  return (_result, elapsed, beganMs) => {
    const began = beganMs / 1000;
    // The grid of the first run is kept as long as no run was missed; after a longer pause it begins anew, so that those
    // that were missed do not come in a burst.
    if (due === undefined || Math.abs(began - due) >= interval) due = began;
    const excess = rounded(elapsed - interval, interval);
    // Without a pause there is nothing to outlast, and an interval shorter than its runs is told of once a second at most.
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

/** Seconds of which hundredths are much. */
const SHORT = 0.1;

/** To hundredths of a second, so that noise is neither slept nor warned of; exact where that is much of the interval. */
function rounded(seconds: number, interval: number): number {
  return interval < SHORT ? seconds : Math.round(seconds * 100) / 100;
}

/** How a dynamic loop is started. */
export interface DynamicOptions extends StoppingOptions {
  /** Seconds; the longest idle time, and the one used when the function names none. Default: no limit. */
  readonly periodicIntervalMax?: number | null;
}

/** Seconds between a failed call and the next where nothing else names a time; without a pause the loop would spin. */
const AFTER_FAILURE = 1;

/**
 * Calls a function, idles as many seconds as it returned (from the end of the call), and calls it again. A function
 * that returns null or undefined leaves it to `periodicIntervalMax`; where that is not given either, the loop fails.
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

/** A normally distributed random number with this mean and standard deviation. */
export type Gaussian = (mean: number, deviation: number) => number;

/** How a loop with back-off is started. Times are in seconds. */
export interface BackOffOptions extends LoopOptions {
  /** The interval the first idle time is drawn from, and again after each success. Default 1. */
  readonly startingInterval?: number;
  /** The most that may be idled in a row without success. Default 300; 0: no limit. */
  readonly timeout?: number;
  /** The longest single idle time after a failure. Default 300. */
  readonly maxInterval?: number;
  /** Mean of the factor each idle time is multiplied by; its deviation is 0.1. Default 0.75. */
  readonly jitter?: number;
  /** The shortest idle time after a failure. Default 0.001. */
  readonly minInterval?: number;
  /** Default: drawn from the operating system's secure source. */
  readonly gaussian?: Gaussian;
}

const DEVIATION = 0.1;

/**
 * Calls a function until it throws `LoopingCallDone`. A truthy result is a success: the intervals begin anew. A falsy
 * one doubles them, times a random factor. Ends with {@link LoopingCallTimeOut} instead of idling past `timeout`. Any
 * other error of the function ends the loop.
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

/** Box and Muller's transform of two uniform numbers from the operating system. */
function secureGaussian(mean: number, deviation: number): number {
  const steps = 2 ** 32;
  const radius = Math.sqrt(-2 * Math.log((randomInt(steps) + 1) / steps));
  return mean + deviation * radius * Math.cos((2 * Math.PI * randomInt(steps)) / steps);
}
