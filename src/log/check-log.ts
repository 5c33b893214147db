/** The check of an option `log`. */
import { PorticoError, whatItIs } from '../errors/index.js';
import { isApplicationLogger, METHODS } from './own-logger.js';

/** Methods of a Logger that Portico calls. */
const LOGGER_METHODS: readonly string[] = [...METHODS, 'notice'];

/**
 * Throws `code` for an option `log` that is not a Logger, or lacks a `needed` method. `what`: the object that has the option, as
 * `a Router`.
 */
export function checkLog(code: string, what: string, log: unknown, needed: readonly string[] = LOGGER_METHODS): void {
  const lacks = (name: string): boolean => typeof Object(log)[name] !== 'function';
  const isOther = isApplicationLogger(log) && lacks('notice');
  if ((log ?? undefined) === undefined || (!isOther && !needed.some(lacks))) return;
  throw new PorticoError(code, {
    message: `log of ${what} is ${whatItIs(log)}, not a Logger`,
    hint: isOther ? 'Write log: createLogger({ logger }) with this logger.' : 'Write log: createLogger(), or omit it.',
  });
}
