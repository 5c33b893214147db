/** Options of task groups, of their timers and of their stops. */
import { refuseUnknownOptions, whatItIs, withCode } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import type { Clock } from './clock.js';
import type { DynamicOptions, FixedIntervalOptions } from './loop-kinds.js';

/** Options of a task group. */
export interface TaskGroupOptions {
  /** Maximum number of concurrent tasks; further tasks are queued. Timers do not count. Default 10. */
  readonly limit?: number;
  /** Name of the group in logs. */
  readonly name?: string;
  /** Default: standard error, under `name`. */
  readonly log?: Logger;
  /** The clock for times and timers. Default: the system's. */
  readonly clock?: Clock;
}

const NAMES: readonly (keyof TaskGroupOptions)[] = ['limit', 'name', 'log', 'clock'];

/** Options of a stop of a group. */
export interface GroupStopOptions {
  /**
   * True: waits for running tasks and timer functions. Default false: their signals are aborted, and the stop waits one turn of the
   * event loop.
   */
  readonly graceful?: boolean | undefined;
  /**
   * Maximum milliseconds for a graceful stop; 0 or absent: no limit. With a `signal` 100 ms more, because its caller aborts it at the
   * deadline.
   */
  readonly deadlineMs?: number | undefined;
  /** Aborted when there is no time left. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of a timer, except its interval. */
export type TimerOptions<A extends unknown[]> = Pick<
  FixedIntervalOptions,
  'initialDelay' | 'stopOnException' | 'unref'
> & {
  /** Arguments of the function. Default: none. */
  readonly args?: A;
};

/** Options of a dynamic timer. */
export type DynamicTimerOptions<A extends unknown[]> = Pick<
  DynamicOptions,
  'initialDelay' | 'periodicIntervalMax' | 'stopOnException' | 'unref'
> & {
  /** Arguments of the function. Default: none. */
  readonly args?: A;
};

/** Checks and returns the options. Throws `PORTICO_INVALID_OPTION`; for a limit below 1 as a `RangeError`. */
export function checkedGroup(options: TaskGroupOptions): TaskGroupOptions {
  refuseUnknownOptions('PORTICO_INVALID_OPTION', 'a TaskGroup', options, NAMES);
  const { limit = 10 } = options;
  if (typeof limit !== 'number' || !(limit >= 1)) {
    const text = `the limit of a task group is a number of at least 1, not ${whatItIs(limit)}`;
    throw withCode(new RangeError(text), 'PORTICO_INVALID_OPTION');
  }
  return options;
}
