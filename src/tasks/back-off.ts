/**
 * Looping calls that idle longer and longer while their function does not succeed.
 */
import { randomInt } from 'node:crypto';
import { LoopingCall, LoopingCallTimeOut, type LoopOptions, type StartedLoop } from './looping-call.js';

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
        stopOnException: true,
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
      options,
    );
  }
}

/** Box and Muller's transform of two uniform numbers from the operating system. */
function secureGaussian(mean: number, deviation: number): number {
  const steps = 2 ** 32;
  const radius = Math.sqrt(-2 * Math.log((randomInt(steps) + 1) / steps));
  return mean + deviation * radius * Math.cos((2 * Math.PI * randomInt(steps)) / steps);
}
