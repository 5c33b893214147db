/** The log: JSON lines or text, on standard error or in a file. */
export type { LogOption } from './check-log.js';
export {
  createLogger,
  LOG_LEVELS,
  type LogFields,
  type Logger,
  type LoggerOptions,
  type LogLevel,
  type LogMethod,
} from './log.js';
export type { ApplicationLogger } from './own-logger.js';
