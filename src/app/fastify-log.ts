/**
 * The log of an application as Fastify and its plugins take one: `fastify.log` and `request.log`.
 */
import type { FastifyBaseLogger } from 'fastify';
import type { LogFields, Logger, LogLevel } from '../log/index.js';

/**
 * The log with the methods that Fastify has beyond it: `fatal` is an error, `trace` is written where everything is. Its lines have
 * the id of the request by the context in which they are written.
 */
export function fastifyLog(log: Logger): FastifyBaseLogger {
  const adapted = {
    get level() {
      return log.level;
    },
    set level(level: LogLevel) {
      log.level = level;
    },
    debug: (...line: Line) => log.debug(...line),
    info: (...line: Line) => log.info(...line),
    warn: (...line: Line) => log.warn(...line),
    error: (...line: Line) => log.error(...line),
    fatal: (...line: Line) => log.error(...line),
    trace: (...line: Line) => (log.enabled('trace') ? log.debug(...line) : undefined),
    silent: () => undefined,
    child: (fields: LogFields = {}, { level }: { readonly level?: string } = {}) => {
      const child = log.child(fields);
      if (level !== undefined) child.level = levelOf(level);
      return fastifyLog(child);
    },
  };
  return adapted as FastifyBaseLogger;
}

type Line = [first: unknown, ...rest: unknown[]];

/** A level of pino's as one of this log. */
export function levelOf(level: string): LogLevel {
  return level === 'fatal' ? 'error' : (level as LogLevel);
}
