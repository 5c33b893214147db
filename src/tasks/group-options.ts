/**
 * How groups of tasks, their timers and their stops are told.
 */
import { refuseUnknownOptions, whatItIs, withCode } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import type { Clock } from './clock.js';
import type { DynamicOptions, FixedIntervalOptions } from './loop-kinds.js';

/** How a group is made. */
export interface TaskGroupOptions {
  /** How many tasks run at a time; more are queued. Timers do not count. Default 10. */
  readonly limit?: number;
  /** Names the group in logs. */
  readonly name?: string;
  /** Default: standard error, under `name`. */
  readonly log?: Logger;
  /** Times and timers. Default: those of the system. */
  readonly clock?: Clock;
}

const NAMES: readonly (keyof TaskGroupOptions)[] = ['limit', 'name', 'log', 'clock'];

/** How a group is stopped. */
export interface GroupStopOptions {
  /** True: running tasks and timer functions are awaited. Default false: told to end, and left to it. */
  readonly graceful?: boolean | undefined;
  /** Milliseconds a graceful stop waits; 0 or absent: no limit. A moment longer where there is a `signal`, which its caller raises then. */
  readonly deadlineMs?: number | undefined;
  /** Aborted when there is no more time. */
  readonly signal?: AbortSignal | undefined;
}

/** A timer's options beside its interval. */
export type TimerOptions<A extends unknown[]> = Pick<
  FixedIntervalOptions,
  'initialDelay' | 'stopOnException' | 'unref'
> & {
  /** Arguments of the function. Default: none. */
  readonly args?: A;
};

/** A dynamic timer's options. */
export type DynamicTimerOptions<A extends unknown[]> = Pick<
  DynamicOptions,
  'initialDelay' | 'periodicIntervalMax' | 'stopOnException' | 'unref'
> & {
  /** Arguments of the function. Default: none. */
  readonly args?: A;
};

/** The options again. Throws `PORTICO_INVALID_OPTION`: a `RangeError` for a limit below 1. */
export function checkedGroup(options: TaskGroupOptions): TaskGroupOptions {
  refuseUnknownOptions('PORTICO_INVALID_OPTION', 'a TaskGroup', options, NAMES);
  const { limit = 10 } = options;
  if (typeof limit !== 'number' || !(limit >= 1)) {
    const text = `the limit of a task group is a number of at least 1, not ${whatItIs(limit)}`;
    throw withCode(new RangeError(text), 'PORTICO_INVALID_OPTION');
  }
  return options;
}
