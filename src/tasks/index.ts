/** `portico/tasks`: things that run again, and things that stop together. */
export { BackOffLoopingCall, type BackOffOptions, type Gaussian } from './back-off.js';
export { type Cancel, type Clock, pause, systemClock } from './clock.js';
export {
  FixedIntervalLoopingCall,
  type FixedIntervalOptions,
  FixedIntervalWithTimeoutLoopingCall,
  type FixedIntervalWithTimeoutOptions,
} from './fixed-interval.js';
export {
  DynamicLoopingCall,
  type DynamicOptions,
  LoopingCallDone,
  type LoopOptions,
  type Repeated,
  type StartedLoop,
  type TaskContext,
} from './looping-call.js';
export type { PeriodicStatus } from './periodic-slot.js';
export { type PeriodicTaskOptions, periodicTask } from './periodic-task.js';
export {
  type PassOptions,
  PeriodicRunner,
  type PeriodicRunnerOptions,
  PeriodicTasks,
  type PeriodicTasksOptions,
  type TaskFunction,
} from './periodic-tasks.js';
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
