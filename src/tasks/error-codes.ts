/** The error codes of this directory, for docs/reference/errors.md. */
import type { ErrorCodes } from '../errors/index.js';

export const errorCodes: ErrorCodes = {
  PORTICO_ALREADY_RUNNING: {
    cause: 'A looping call was started while it runs.',
    remedy: 'Stop it first.',
  },
  PORTICO_GROUP_STOPPED: {
    cause: 'Work was added to a task group that was stopped.',
    remedy: 'Call `reset()` on it first.',
  },
  PORTICO_INVALID_INTERVAL: {
    cause: 'An interval is no number of seconds, or below 0.',
    remedy: 'Give seconds; fractions are allowed.',
  },
  PORTICO_INVALID_PERIODIC_TASK_ARG: {
    cause: 'An option of `periodicTask` does not exist or cannot be.',
    remedy: 'See the message.',
  },
  PORTICO_INVALID_RETRY: {
    cause: 'An option of `retry` does not exist or cannot be.',
    remedy: 'See the message.',
  },
  PORTICO_LOOPING_CALL_TIMEOUT: {
    cause: 'A looping call passed its `timeout`.',
    remedy: 'Raise it, or find out what the function waits for.',
  },
  PORTICO_NOT_A_FUNCTION: {
    cause: 'A task, a timer or a loop was given something that cannot be called.',
    remedy: 'Give a function.',
  },
  PORTICO_NOT_STARTED: {
    cause: '`wait()`, or a manager, was called before the start.',
    remedy: 'Await the start first.',
  },
  PORTICO_NO_INTERVAL: {
    cause: 'The function of a dynamic loop named no interval.',
    remedy: 'Return seconds, or give `periodicIntervalMax`.',
  },
  PORTICO_TASK_CANCELLED: {
    cause: 'A task was cancelled before it began.',
    remedy: 'Nothing: its group was stopped.',
  },
};
