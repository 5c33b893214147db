/**
 * Logs: JSON lines, or readable text when standard error is a terminal. A thin interface over pino.
 */
import { createRequire } from 'node:module';
import { type Logger as PinoLogger, pino } from 'pino';

/** How much is logged. `silent` is nothing. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** Facts that go with a message, as JSON values; `err` takes an Error. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Where Portico and its applications write what happens. Message first, facts after it. */
export interface Logger {
  level: LogLevel;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger whose every line also has these facts. Its level is this one's, until it is given one of its own. */
  child(fields: LogFields): Logger;
  /** False when a line of that level would not be written: for facts that are dear to gather. */
  enabled(level: LogLevel): boolean;
}

/** How {@link createLogger} writes. */
export interface LoggerOptions {
  level?: LogLevel;
  /** `auto` (default): text on a terminal, else JSON. */
  format?: 'json' | 'text' | 'auto';
  /** Default: standard error, written synchronously so that nothing is lost at exit. */
  destination?: { write(line: string): void };
  /** Facts for every line; `name` by convention. */
  base?: LogFields;
  /** Facts of the moment a line is written, such as the ids of the request that is being served. */
  facts?: () => LogFields;
}

/** Levels as words and times as ISO 8601: what people and collectors read without a table. */
const formatters = { level: (label: string) => ({ level: label }) };

/** The time as pino wants it, as pino's own `isoTime`; the date is made once a second, which saves 0.5 µs a line. */
function isoTime(): () => string {
  let second = Number.NaN;
  let text = '';
  return () => {
    const now = Date.now();
    const ms = now % 1000;
    if (now - ms !== second) {
      second = now - ms;
      text = `,"time":"${new Date(second).toISOString().slice(0, -4)}`;
    }
    return `${text}${ms < 10 ? '00' : ms < 100 ? '0' : ''}${ms}Z"`;
  };
}

/** A logger on standard error. */
export function createLogger(options: LoggerOptions = {}): Logger {
  const { level = 'info', format = 'auto', base = {} } = options;
  const text = format === 'text' || (format === 'auto' && options.destination === undefined && process.stderr.isTTY);
  const destination = options.destination ?? pino.destination({ fd: 2, sync: true });
  const stream = text ? readable(destination) : destination;
  const mixin = options.facts === undefined ? {} : { mixin: options.facts };
  const shape = { level, timestamp: isoTime(), formatters, ...mixin };
  const of = (bindings: LogFields): PinoLogger => pino({ ...shape, base: bindings }, stream as NodeJS.WritableStream);
  return wrap(of({ pid: process.pid, ...base }), () => of(base));
}

/** A logger that writes nothing: for tests and for embedding without logs. */
export function silentLogger(): Logger {
  return wrap(pino({ level: 'silent' }));
}

/** pino-pretty is loaded here and not above: only a terminal needs it, and it takes longer to load than pino itself. */
function readable(destination: { write(line: string): void }): NodeJS.WritableStream {
  const require = createRequire(import.meta.url);
  const pretty = require('pino-pretty') as (options: object) => NodeJS.WritableStream;
  return pretty({ destination, sync: true, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss.l' });
}

/**
 * `others` makes the same logger without the id of this process: for lines about another one, whose id is among their
 * facts. A name may stand only once in an object (RFC 8259 §4).
 */
function wrap(target: PinoLogger, others: () => PinoLogger = () => target, inherited?: () => string): Logger {
  let other: PinoLogger | undefined;
  let inherits = inherited;
  const levelled = (): PinoLogger => {
    const level = inherits?.();
    if (level !== undefined && level !== target.level) target.level = level;
    return target;
  };
  const writer = (fields: LogFields | undefined): PinoLogger => {
    if (fields?.pid === undefined) return levelled();
    other ??= others();
    other.level = levelled().level;
    return other;
  };
  return {
    get level() {
      return levelled().level as LogLevel;
    },
    set level(level: LogLevel) {
      inherits = undefined;
      target.level = level;
    },
    debug: (message, fields) => writer(fields).debug(fields ?? {}, message),
    info: (message, fields) => writer(fields).info(fields ?? {}, message),
    warn: (message, fields) => writer(fields).warn(fields ?? {}, message),
    error: (message, fields) => writer(fields).error(fields ?? {}, message),
    child: ({ pid, ...fields }) => {
      const base = pid === undefined ? target : others();
      const child = base.child(pid === undefined ? fields : { pid, ...fields });
      return wrap(
        child,
        () => others().child(fields),
        () => levelled().level,
      );
    },
    enabled: (level) => levelled().isLevelEnabled(level),
  };
}
