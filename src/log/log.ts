/**
 * Logs: JSON lines, or readable text when standard error is a terminal. A thin interface over pino.
 */

import { createRequire } from 'node:module';
import type * as Pino from 'pino';
import { refuseUnknownOptions, withCode } from '../errors/index.js';
import { countText, printableJson } from '../text/index.js';
import {
  errorFields,
  isError,
  json,
  type LineParts,
  type LogFields,
  type LogMethod,
  lineParts,
  readableParts,
} from './log-arguments.js';
import { LogOutput } from './log-output.js';
import { momentFacts } from './moment.js';
import { readable } from './readable.js';
import { jsonString, membersOf, RECORDS, type WriteRecord } from './records.js';
import { noteReopener } from './reopening.js';

export type { LogFields, LogMethod } from './log-arguments.js';

/** How much is logged. `silent` is nothing. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** The log of Portico and its applications: message first and facts after it, or in pino's order. */
export interface Logger {
  level: LogLevel;
  debug: LogMethod;
  info: LogMethod;
  warn: LogMethod;
  error: LogMethod;
  /**
   * Writes an event that an operator caused: a start, a stop, a reload, another number of workers. Written at every level but `silent`. In
   * lines the level is `notice`, for pino 35: above info, below warn, as in syslog.
   */
  notice: LogMethod;
  /** A logger whose every line also has these facts. Its level is this one's, until it is given one of its own. */
  child(fields: LogFields): Logger;
  /** False when a line of that level would not be written: for facts that are dear to gather. */
  enabled(level: LogLevel): boolean;
  /** Opens the log file anew by its name, because the old one was renamed. Launchers open all log files of their process on SIGHUP. */
  reopen?(): void;
  /** How many lines could not be written. */
  lost?(): number;
  /** Whether it writes lines for people or JSON, where it knows. */
  readonly format?: 'json' | 'text';
}

/** How {@link createLogger} writes. */
export interface LoggerOptions {
  /** The least level that is written. Default `info`. */
  level?: LogLevel;
  /** `auto` (default): text on a terminal, else JSON. */
  format?: 'json' | 'text' | 'auto';
  /**
   * Default: standard error, written synchronously so that nothing is lost at exit; lines of `request_log` are written
   * together, once a turn of the event loop. Lines that it does not take, as on a
   * full disk, are dropped, and the next one that it takes comes behind a line that says how many these were.
   */
  destination?: { write(line: string): void };
  /**
   * A file to append to, instead of `destination`; `createLogger` throws the system's error where it cannot be opened.
   * `reopen()` of the logger opens it anew.
   */
  file?: string;
  /** Facts for every line; `name` by convention. */
  base?: LogFields;
  /** Facts of the moment a line is written. Default: the ids of the request that is being served (`contextFacts`). */
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

/** From the one that writes most to the one that writes nothing. */
export const LOG_LEVELS = Object.keys(RANK) as readonly LogLevel[];

/** pino's number of the level that is no threshold. */
const customLevels = { notice: 35 };

/** Levels as words and times as ISO 8601: what people and collectors read without a table. */
const formatters = {
  level: (label: string) => ({ level: label }),
  /** An error has nothing that JSON shows, and pino's serializer is for the name `err` alone. */
  log: (fields: Record<string, unknown>) => {
    for (const name in fields) {
      const value = fields[name];
      if (typeof value === 'object' && isLostError(name, value)) return withErrors(fields);
    }
    return fields;
  },
};

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

const NAMES: readonly (keyof LoggerOptions)[] = ['level', 'format', 'destination', 'file', 'base', 'facts'];

/** Creates a logger, by default on standard error. Throws for an unknown level or option. */
export function createLogger(options: LoggerOptions = {}): Logger {
  refuseUnknownOptions('PORTICO_INVALID_OPTION', 'a logger', options, NAMES);
  const { level = 'info', format = 'auto', base = {} } = options;
  const elsewhere = options.destination !== undefined || options.file !== undefined;
  const text = format === 'text' || (format === 'auto' && !elsewhere && process.stderr.isTTY);
  const own = options.file !== undefined || options.destination === undefined;
  const output = own ? new LogOutput(lostLines(text, base), options.file) : undefined;
  const place = output ?? options.destination!;
  const destination = { write: (line: string): void => place.write(printableJson(line)) };
  // Not imported above: it takes 18 ms of a processor, and commands that make no logger need none of it.
  const { pino } = createRequire(import.meta.url)('pino') as typeof Pino;
  const stream = (text ? readable(destination, { ...RANK, ...customLevels }) : destination) as NodeJS.WritableStream;
  const timestamp = isoTime();
  const factsOfMoment = options.facts ?? momentFacts;
  const shape = {
    level: 'trace',
    customLevels,
    timestamp,
    formatters,
    serializers: { err: (value: unknown) => errorFields(value) },
    mixin: factsOfMoment,
  };
  const linesWith = (bindings: LogFields): LinesMaker => lazily(() => pino({ ...shape, base: bindings }, stream));
  const reopen = (): void => {
    const failed = output?.reopen();
    if (failed !== undefined) log.warn(`${failed.message}: logging continues in the open file`);
  };
  if (options.file !== undefined) noteReopener(reopen);
  const put = (line: string): void => {
    if (output === undefined || text) stream.write(line);
    else output.gather(line);
  };
  const record = (bindings: LogFields, names: ReadonlySet<string>): WriteRecord => {
    const bound = membersOf(bindings);
    return (asked, message, members) => {
      const moment = membersOf(factsOfMoment(), names);
      put(`{"level":"${asked}"${timestamp()}${bound}${moment}${members},"msg":${jsonString(message)}}\n`);
    };
  };
  const more = {
    record,
    format: text ? ('text' as const) : ('json' as const),
    lost: () => output?.lost ?? 0,
    ...(options.file !== undefined && { reopen }),
  };
  const bindings = { pid: process.pid, ...base };
  const log = wrap(linesWith(bindings), linesWith(base), thresholdAt(level), bindings, more);
  return log;
}

/** A logger that writes nothing: for tests and for embedding without logs. */
export function silentLogger(): Logger {
  const no = (): void => undefined;
  const none: Lines = { debug: no, info: no, warn: no, error: no, notice: no, child: () => none };
  const lines = () => none;
  return wrap(lines, lines, thresholdAt('silent'), {}, { record: () => no });
}

/** Writers of one logger's lines. */
interface Lines extends Record<'debug' | 'info' | 'warn' | 'error' | 'notice', Write> {
  child(fields: LogFields): Lines;
}

type Write = (fields: LogFields, message: string) => void;

/** Most loggers write nothing: their lines are made for the first one. */
type LinesMaker = () => Lines;

function childOf(lines: LinesMaker, fields: LogFields): LinesMaker {
  return lazily(() => lines().child(fields));
}

/** Says what standard error has not taken. */
function lostLines(text: boolean, base: LogFields): (dropped: number, code: string) => string {
  return (dropped, code) => {
    const message = `${countText(dropped, 'line')} of this log could not be written (${code})`;
    const fields = { pid: process.pid, ...base, event: 'log_lines_lost', dropped, code };
    const time = new Date().toISOString();
    return text ? `WARN: ${message}\n` : `${json({ level: 'warn', time, ...fields, msg: message })}\n`;
  };
}

/** Parts that a logger and its children share. */
interface Shared extends Pick<Logger, 'reopen' | 'lost' | 'format'> {
  /** Writes lines with these facts, whatever the level. */
  readonly record: (bindings: LogFields, names: ReadonlySet<string>) => WriteRecord;
}

/** Result of `recordWriter`. */
interface OwnLogger {
  readonly [RECORDS]: (names: ReadonlySet<string>) => WriteRecord;
}

/** The least level that is written. A child's has the threshold of its parent for prototype, until it is given its own. */
interface Threshold {
  level: LogLevel;
  rank: number;
}

const thresholdAt = (level: LogLevel): Threshold => ({ level: known(level), rank: RANK[level] });

/**
 * `withoutPid` makes the same logger without the id of this process: for lines about another one, whose id is among their
 * facts. A name may occur only once in an object (RFC 8259 §4). `bindings` are the facts of every line. `more`: what its
 * children can do as well.
 */
function wrap(
  target: LinesMaker,
  withoutPid: LinesMaker,
  threshold: Threshold,
  bindings: LogFields,
  more: Shared,
): Logger & OwnLogger {
  const method = (asked: Exclude<LogLevel, 'trace' | 'silent'> | 'notice'): LogMethod => {
    const rank = RANK[asked === 'notice' ? 'error' : asked];
    return (first: unknown, ...rest: unknown[]) => {
      if (rank < threshold.rank) return;
      try {
        write(asked, lineParts(first, rest));
      } catch (error) {
        // A logged value may be anything, and a getter of it may throw: the caller must not fail for that.
        write(asked, readableParts([first, ...rest], error));
      }
    };
  };
  const write = (asked: keyof Omit<Lines, 'child'>, [fields, message]: LineParts): void =>
    (fields.pid === undefined ? target : withoutPid)()[asked](fields, message);
  const { record, ...shared } = more;
  return {
    get level() {
      return threshold.level;
    },
    set level(own: LogLevel) {
      Object.assign(threshold, thresholdAt(own));
    },
    debug: method('debug'),
    info: method('info'),
    warn: method('warn'),
    error: method('error'),
    notice: method('notice'),
    child: ({ pid, ...fields }) =>
      wrap(
        pid === undefined ? childOf(target, fields) : childOf(withoutPid, { pid, ...fields }),
        childOf(withoutPid, fields),
        Object.create(threshold) as Threshold,
        { ...bindings, ...(pid !== undefined && { pid }), ...fields },
        more,
      ),
    enabled: (asked) => RANK[asked] >= threshold.rank,
    [RECORDS]: (names) => {
      const write = record(bindings, names);
      return (asked, message, members) => {
        if (RANK[asked] >= threshold.rank) write(asked, message, members);
      };
    },
    ...shared,
  };
}

function isLostError(name: string, value: unknown): boolean {
  return typeof value === 'object' && isError(value) && name !== 'err';
}

function withErrors(fields: LogFields): Record<string, unknown> {
  const of = (name: string, value: unknown): unknown => (isLostError(name, value) ? errorFields(value) : value);
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, of(name, value)]));
}

function known(level: LogLevel): LogLevel {
  if (!Object.hasOwn(RANK, level))
    throw withCode(
      new RangeError(`unknown level ${level}: one of ${Object.keys(RANK).join(', ')}`),
      'PORTICO_LOG_LEVEL',
    );
  return level;
}

/** Made when it is first asked for. */
function lazily<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}
