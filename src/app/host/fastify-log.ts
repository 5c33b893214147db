/** The log of an application in the form of a Fastify logger: `fastify.log` and `request.log`. */
import type { FastifyBaseLogger } from 'fastify';
import type { LogFields, Logger, LogLevel } from '../../log/index.js';

/**
 * Adapts a log to Fastify's interface: `fatal` logs an error, `trace` logs only at the level `trace`. The async context gives its lines
 * the request id.
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

/** Converts a level of pino to a level of this log. */
export function levelOf(level: string): LogLevel {
  return level === 'fatal' ? 'error' : (level as LogLevel);
}
