/**
 * How launchers log what went wrong: a mistake of the configuration as its text, anything else with its stack.
 */
import { PorticoError } from '../../errors/index.js';
import type { LogFields, Logger } from '../../log/index.js';
import { isRefusal, STATUS_FAILED, STATUS_UNHANDLED, statusOf } from '../exit-status.js';

/** Marks an error that is in the log. */
const LOGGED = Symbol.for('portico.logged');

/** True for an error that a launcher has logged before it was thrown: it need not be printed again. */
export function wasLogged(error: unknown): boolean {
  return typeof error === 'object' && error !== null && LOGGED in error;
}

/** One line at error. An error that Portico throws on purpose explains itself: its text and code, and no stack. */
export function logFailure(log: Logger, message: string, error: unknown, fields: LogFields = {}): void {
  if (error instanceof Error) Object.defineProperty(error, LOGGED, { value: true, configurable: true });
  if (error instanceof PorticoError) log.error(`${message}: ${error.describe()}`, { ...fields, code: error.code });
  else log.error(message, { ...fields, err: error });
}

/** How long requests under way may take to end in a process after an unhandled error, when its state is unknown. */
export const CRASH_DRAIN_MS = 5000;

/** One line, with the stack of anything but a mistake of the configuration. Gives the status the process is to end with: 2, or what the error asks for. */
export function logUnhandled(log: Logger, error: unknown, facts: LogFields = {}): number {
  if (isRefusal(error)) logFailure(log, 'Unhandled exception', error, facts);
  else log.error('Unhandled exception', { ...facts, err: error });
  const status = statusOf(error);
  return status === STATUS_FAILED ? STATUS_UNHANDLED : status;
}
