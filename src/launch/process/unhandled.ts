/**
 * An error that nobody handled: what the log has of it, how long the process may still take, and its status.
 */
import type { LogFields, Logger } from '../../log/index.js';
import { isRefusal, STATUS_FAILED, STATUS_UNHANDLED, statusOf } from '../exit-status.js';
import { logFailure } from './log-failure.js';

/** How long requests under way may take to end in a process of which nobody knows what works. */
export const CRASH_DRAIN_MS = 5000;

/** One line, with the stack of anything but a mistake of the configuration. Gives the status the process is to end with: 2, or what the error asks for. */
export function logUnhandled(log: Logger, error: unknown, facts: LogFields = {}): number {
  if (isRefusal(error)) logFailure(log, 'Unhandled exception', error, facts);
  else log.error('Unhandled exception', { ...facts, err: error });
  const status = statusOf(error);
  return status === STATUS_FAILED ? STATUS_UNHANDLED : status;
}
