/**
 * Logs: JSON lines, or readable text when standard error is a terminal. A thin interface over pino.
 */
import { createRequire } from 'node:module';
import type * as Pino from 'pino';
import { loadable, loadSoon } from './loadable.js';
import { type Lines, PlainLines, plainLine } from './plain-lines.js';
import { StandardError } from './standard-error.js';

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
  /**
   * Default: standard error, written synchronously so that nothing is lost at exit. Lines that it does not take, as on a
   * full disk, are dropped, and the next one that it takes comes behind a line that says how many these were.
   */
  destination?: { write(line: string): void };
  /** Facts for every line; `name` by convention. */
  base?: LogFields;
  /** Facts of the moment a line is written, such as the ids of the request that is being served. */
  facts?: () => LogFields;
}

/** A line is written when its level is not below the logger's; pino's numbers. */
const RANK: Readonly<Record<LogLevel, number>> = {
  trace: 10,
  debug: 20,
  info: 30,
  warn: 40,
  error: 50,
  silent: Number.POSITIVE_INFINITY,
};

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

/** A logger on standard error. Throws for a level there is not. */
export function createLogger(options: LoggerOptions = {}): Logger {
  const { level = 'info', format = 'auto', base = {} } = options;
  const text = format === 'text' || (format === 'auto' && options.destination === undefined && process.stderr.isTTY);
  const { facts = () => ({}) } = options;
  const mixin = options.facts === undefined ? {} : { mixin: facts };
  const shape = { level: 'trace', timestamp: isoTime(), formatters, ...mixin };
  const destination = options.destination ?? new StandardError(lostLines(text, base));
  const pino = loadable(() => {
    const { pino: make } = loadPino();
    return { make, stream: text ? readable(destination) : destination };
  });
  const plain = (line: string): void => destination.write(line);
  const of = (bindings: () => LogFields): Source => ({
    lasting: lazily(() => {
      const loaded = pino();
      return loaded?.make({ ...shape, base: bindings() }, loaded.stream as NodeJS.WritableStream);
    }),
    passing: () => new PlainLines(plain, bindings(), facts),
  });
  const own = of(() => ({ pid: process.pid, ...base }));
  loadSoon(own.lasting);
  return wrap(
    own,
    of(() => base),
    known(level),
  );
}

/** A logger that writes nothing: for tests and for embedding without logs. */
export function silentLogger(): Logger {
  const nothing = (): void => undefined;
  const none: Lines = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => none };
  const source: Source = { lasting: () => none, passing: () => none };
  return wrap(source, source, 'silent');
}

/** Whoever makes the lines of one logger: pino for good, and for as long as that cannot be loaded somebody plainer. */
interface Source {
  readonly lasting: () => Lines | undefined;
  readonly passing: () => Lines;
}

function linesOf(source: Source): Lines {
  return source.lasting() ?? source.passing();
}

function childOf(source: Source, fields: LogFields): Source {
  return { lasting: lazily(() => source.lasting()?.child(fields)), passing: () => source.passing().child(fields) };
}

/** Loaded for the first line, behind the start: it takes 18 ms of a processor, and a worker that starts writes nothing. */
function loadPino(): typeof Pino {
  return createRequire(import.meta.url)('pino') as typeof Pino;
}

/** pino-pretty is loaded here and not above: only a terminal needs it, and it takes longer to load than pino itself. */
function readable(destination: { write(line: string): void }): { write(line: string): void } {
  const require = createRequire(import.meta.url);
  const { prettyFactory } = require('pino-pretty') as {
    prettyFactory(options: object): (line: string) => string | undefined;
  };
  const pretty = prettyFactory({ ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss.l' });
  return { write: (line) => destination.write(pretty(line) ?? '') };
}

/** Says what standard error has not taken. */
function lostLines(text: boolean, base: LogFields): (dropped: number, code: string) => string {
  return (dropped, code) => {
    const message = `${dropped} ${dropped === 1 ? 'line' : 'lines'} of this log could not be written (${code})`;
    const fields = { pid: process.pid, ...base, event: 'log_lines_lost', dropped, code };
    return text ? `WARN: ${message}\n` : plainLine('warn', fields, message);
  };
}

/**
 * `others` makes the same logger without the id of this process: for lines about another one, whose id is among their
 * facts. A name may stand only once in an object (RFC 8259 §4). `inherited`: the level, or where it comes from.
 */
function wrap(target: Source, others: Source, inherited: LogLevel | (() => LogLevel)): Logger {
  let level = inherited;
  const current = (): LogLevel => (typeof level === 'function' ? level() : level);
  const enabled = (asked: LogLevel): boolean => RANK[asked] >= RANK[current()];
  const writer = (fields: LogFields | undefined): Lines => linesOf(fields?.pid === undefined ? target : others);
  return {
    get level() {
      return current();
    },
    set level(own: LogLevel) {
      level = known(own);
    },
    debug: (message, fields) => {
      if (enabled('debug')) writer(fields).debug(fields ?? {}, message);
    },
    info: (message, fields) => {
      if (enabled('info')) writer(fields).info(fields ?? {}, message);
    },
    warn: (message, fields) => {
      if (enabled('warn')) writer(fields).warn(fields ?? {}, message);
    },
    error: (message, fields) => {
      if (enabled('error')) writer(fields).error(fields ?? {}, message);
    },
    child: ({ pid, ...fields }) =>
      wrap(
        pid === undefined ? childOf(target, fields) : childOf(others, { pid, ...fields }),
        childOf(others, fields),
        current,
      ),
    enabled,
  };
}

function known(level: LogLevel): LogLevel {
  if (!Object.hasOwn(RANK, level))
    throw new RangeError(`unknown level ${level}: one of ${Object.keys(RANK).join(', ')}`);
  return level;
}

/** Made when it is first asked for, and once it can be. */
function lazily<T extends object>(make: () => T | undefined): () => T | undefined {
  let made: T | undefined;
  return () => (made ??= make());
}
