/** The check of an option `log`. */
import { PorticoError, whatItIs } from '../errors/index.js';
import { createLogger, type Logger } from './log.js';
import { type ApplicationLogger, isApplicationLogger } from './own-logger.js';

/** Value of an option `log`: a logger of the application, such as `pino()`, is passed as it is. */
export type LogOption = Logger | ApplicationLogger;

/**
 * Returns the Logger of an option `log`; a logger of the application, such as `pino()`, as a Logger. Throws `code` for another
 * value. `what`: the object that has the option, as `a Router`.
 */
export function checkedLog(code: string, what: string, log: LogOption | null | undefined): Logger | undefined {
  if (log === undefined || log === null) return undefined;
  if (isApplicationLogger(log)) return isLogger(log) ? log : createLogger({ logger: log });
  throw new PorticoError(code, {
    message: `log of ${what} is ${whatItIs(log)}, not a Logger`,
    hint: 'Write log: createLogger(), log: pino(), or omit it.',
  });
}

function isLogger(log: LogOption): log is Logger {
  return 'notice' in log && 'enabled' in log;
}
