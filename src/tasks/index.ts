/** `portico/tasks`: looping calls, periodic tasks, retries, and groups of tasks that stop together. */
export { type Cancel, type Clock, type Limit, pause, systemClock, within } from './clock.js';
export type { JobList, JobOptions } from './job-list.js';
export {
  BackOffLoopingCall,
  type BackOffOptions,
  DynamicLoopingCall,
  type DynamicOptions,
  FixedIntervalLoopingCall,
  type FixedIntervalOptions,
  FixedIntervalWithTimeoutLoopingCall,
  type FixedIntervalWithTimeoutOptions,
  type Gaussian,
  type LoopingCall,
  LoopingCallDone,
  LoopingCallTimeOut,
  type LoopOptions,
  type Repeated,
  type StartedLoop,
  type StoppingOptions,
  type TaskContext,
} from './loop-kinds.js';
export type { LastRuns, PeriodicStatus, RunListener } from './periodic-slot.js';
export {
  InvalidPeriodicTaskArg,
  type PeriodicTaskOptions,
  periodicTask,
} from './periodic-task.js';
export {
  type PassOptions,
  type PeriodicRunnerOptions,
  PeriodicTasks,
  type PeriodicTasksOptions,
  type TaskFunction,
} from './periodic-tasks.js';
export { type ErrorClass, type Retryable, RetryDecorator, type Retrying, type RetryOptions, retry } from './retry.js';
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
