/**
 * An application's own logger, such as a pino logger, behind Portico's log.
 */
import { maskUris } from '../text/index.js';
import { isError, type LogFields } from './log-arguments.js';

/** Functions that write one logger's lines. */
export interface Lines extends Record<'debug' | 'info' | 'warn' | 'error' | 'notice', Write> {
  child(fields: LogFields): Lines;
}

type Write = (fields: LogFields, message: string) => void;

/** A logger that takes the fields before the message, as pino and `fastify.log` do. */
export interface ApplicationLogger {
  /** Lowest level that it writes, by its name. */
  readonly level?: string;
  /** The number of its level in pino, for levels that Portico's log does not have. */
  readonly levelVal?: number;
  /** Writes a line for developers. */
  debug(fields: object, message: string): void;
  /** Writes a line about normal work. */
  info(fields: object, message: string): void;
  /** Writes a line about something odd that needs no action at once. */
  warn(fields: object, message: string): void;
  /** Writes a line about a failure. */
  error(fields: object, message: string): void;
  /** Writes events that an operator caused. Default: `info`. */
  notice?(fields: object, message: string): void;
  /** Returns a logger that adds these fields to every line. `options.level` is `trace`: Portico's log filters lines by their level. */
  child(fields: LogFields, options: { level: string }): ApplicationLogger;
}

/** Methods of an {@link ApplicationLogger} that it must have. */
export const METHODS = ['debug', 'info', 'warn', 'error', 'child'] as const;

/** Reports whether a value has the methods of an {@link ApplicationLogger}. */
export function isApplicationLogger(value: unknown): value is ApplicationLogger {
  return METHODS.every((name) => typeof Object(value)[name] === 'function');
}

/** Returns the functions that write lines of a logger with these fields. `facts`: fields of the moment of a line. */
export function linesOf(logger: ApplicationLogger, fields: LogFields, facts: () => LogFields): Lines {
  const own = logger.child(fields, { level: 'trace' });
  const write =
    (level: 'debug' | 'info' | 'warn' | 'error'): Write =>
    (more, message) =>
      own[level](masked({ ...facts(), ...more }), message);
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    notice: (more, message) => (own.notice ?? own.info).call(own, masked({ ...facts(), ...more }), message),
    child: (more) => linesOf(own, more, facts),
  };
}

/** Masks passwords of URIs in errors. The logger gets errors as errors, because its serializers and transports expect them. */
function masked(fields: Record<string, unknown>): LogFields {
  for (const [name, value] of Object.entries(fields)) if (isError(value)) fields[name] = maskedError(value);
  return fields;
}

/** Returns the error itself if there is nothing to mask in it, and in the errors within it. */
function maskedError(error: Error): Error {
  const copies = new Map<Error, Error>();
  const copy = copied(error, copies) as Error;
  const isMasked = [...copies].some(([one, other]) => one.message !== other.message || one.stack !== other.stack);
  return isMasked ? copy : error;
}

/** Returns copies of an error, or of the errors in a list, with masked texts and with copies of the errors in their fields. */
function copied(value: unknown, copies: Map<Error, Error>): unknown {
  if (Array.isArray(value)) return value.map((each: unknown) => (isError(each) ? copied(each, copies) : each));
  if (!isError(value)) return value;
  const known = copies.get(value);
  if (known !== undefined) return known;
  const copy = Object.create(value) as Error;
  copies.set(value, copy);
  for (const name of new Set(['message', 'stack', 'cause', 'errors', ...Object.keys(value)])) {
    const was = (value as unknown as LogFields)[name];
    const isText = (name === 'message' || name === 'stack') && typeof was === 'string';
    if (!isText && !Array.isArray(was) && !isError(was)) continue;
    const enumerable = Object.getOwnPropertyDescriptor(value, name)?.enumerable === true;
    const now = isText ? maskUris(was) : copied(was, copies);
    Object.defineProperty(copy, name, { value: now, enumerable, configurable: true, writable: true });
  }
  return copy;
}
