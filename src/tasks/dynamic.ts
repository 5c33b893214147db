/**
 * Looping calls whose function says how long to idle.
 */
import { PorticoError } from '../errors/index.js';
import { failed, LoopingCall, type LoopOptions, type StartedLoop } from './looping-call.js';

/** How a dynamic loop is started. */
export interface DynamicOptions extends LoopOptions {
  /** Seconds; the longest idle time, and the one used when the function names none. Default: no limit. */
  readonly periodicIntervalMax?: number | null;
  /** Default true: an error of the function ends the loop and is given by `wait()`. False: logged, the loop goes on. */
  readonly stopOnException?: boolean;
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
        stopOnException: options.stopOnException ?? true,
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
