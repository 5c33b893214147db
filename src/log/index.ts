/** The log: JSON lines or text, on standard error or in a file. */
export {
  createLogger,
  LOG_LEVELS,
  type LogFields,
  type Logger,
  type LoggerOptions,
  type LogLevel,
  type LogMethod,
  type LogOption,
} from './log.js';
export type { ApplicationLogger } from './own-logger.js';
