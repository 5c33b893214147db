/**
 * Looping calls at a fixed interval, from start to start.
 */
import { PorticoError, whatItIs } from '../errors/index.js';
import { createLogger, type Logger } from '../log/index.js';
import { type Clock, systemClock } from './clock.js';
import { LoopingCall, LoopingCallTimeOut, type LoopOptions, type StartedLoop } from './looping-call.js';

/** How a loop at a fixed interval is started. */
export interface FixedIntervalOptions extends LoopOptions {
  /** Default true: an error of the function ends the loop and is given by `wait()`. False: logged, the loop goes on. */
  readonly stopOnException?: boolean;
}

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
        stopOnException: options.stopOnException ?? true,
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
        stopOnException: options.stopOnException ?? true,
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
      message: `the interval of looping call '${name}' is a number of seconds, not ${whatItIs(interval)}`,
      hint: 'Fractions are allowed; 0 means again and again without a pause.',
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
