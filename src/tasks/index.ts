/** `portico/tasks`: things that run again, and things that stop together. */
export { BackOffLoopingCall, type BackOffOptions, type Gaussian } from './back-off.js';
export { type Cancel, type Clock, pause, systemClock } from './clock.js';
export { formatDuration } from './duration.js';
export { DynamicLoopingCall, type DynamicOptions } from './dynamic.js';
export {
  FixedIntervalLoopingCall,
  type FixedIntervalOptions,
  FixedIntervalWithTimeoutLoopingCall,
  type FixedIntervalWithTimeoutOptions,
} from './fixed-interval.js';
export {
  LoopingCallDone,
  LoopingCallTimeOut,
  type LoopOptions,
  type Repeated,
  type StartedLoop,
  type TaskContext,
} from './looping-call.js';
export { PeriodicRunner, type PeriodicRunnerOptions } from './periodic-runner.js';
export type { PeriodicStatus } from './periodic-slot.js';
export { DEFAULT_INTERVAL, InvalidPeriodicTaskArg, type PeriodicTaskOptions, periodicTask } from './periodic-task.js';
export { type PassOptions, PeriodicTasks, type PeriodicTasksOptions, type TaskFunction } from './periodic-tasks.js';
export { type Retryable, RetryDecorator, type Retrying, type RetryOptions, retry } from './retry.js';
export type { Task, TaskLink, TaskState } from './task.js';
export {
  type Activity,
  type DynamicTimerOptions,
  type GroupStopOptions,
  TaskGroup,
  type TaskGroupOptions,
  type Timer,
  type TimerOptions,
} from './task-group.js';
