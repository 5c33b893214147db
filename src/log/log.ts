/**
 * Logs: JSON lines, or readable text if standard error is a terminal and pino-pretty is installed. A thin interface over pino, and a
 * limit for lines about events that may be frequent.
 */

import { createRequire } from 'node:module';
import type * as Pino from 'pino';
import { ignoreErrors, PorticoError, refuseUnknownOptions, whatItIs, withCode } from '../errors/index.js';
import { countText, maskUris, printable, printableJson, printableLines } from '../text/index.js';
import {
  errorFields,
  isLostError,
  type LineParts,
  type LogFields,
  type LogMethod,
  lineParts,
  readableParts,
  withErrors,
} from './log-arguments.js';
import {
  jsonString,
  LogOutput,
  membersOf,
  momentFacts,
  noteReopener,
  ownLines,
  RECORDS,
  type WriteRecord,
  writeBeside,
} from './log-output.js';
import { type ApplicationLogger, isApplicationLogger, type Lines, linesOf } from './own-logger.js';

export type { LogFields, LogMethod } from './log-arguments.js';

/** Lowest level that is written. `silent` writes nothing. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** Log of Portico and its applications, with pino's order of arguments: fields, then the message. */
export interface Logger {
  /** Lowest level that is written. Can be set at any time. */
  level: LogLevel;
  /** Writes a line for developers: `log.debug({ rows }, 'read')`. */
  debug: LogMethod;
  /** Writes a line about normal work. */
  info: LogMethod;
  /** Writes a line about something odd that needs no action at once. */
  warn: LogMethod;
  /** Writes a line about a failure: `log.error({ err }, 'the mail was not sent')`. */
  error: LogMethod;
  /**
   * Writes an event that an operator caused: a start, a stop, a reload, a changed number of workers; or an event of audit. Written at every
   * level except `silent`. In lines the level is `notice`, for pino 35: above info, below warn, as in syslog.
   */
  notice: LogMethod;
  /** Returns a logger that adds these fields to every line. It uses this logger's level until it gets its own. */
  child(fields: LogFields): Logger;
  /** Reports whether a line of that level would be written; for fields that are expensive to compute. */
  enabled(level: LogLevel): boolean;
  /** Reopens the log file by its name, because the old one was renamed. Launchers reopen all log files of their process on SIGHUP. */
  reopen?(): void;
  /** Returns the number of lines that could not be written. */
  lost?(): number;
  /** Format of its lines, text or JSON, if known. */
  readonly format?: 'json' | 'text';
}

/** Options of {@link createLogger}. */
export interface LoggerOptions {
  /** Lowest level that is written. Default `info`. */
  level?: LogLevel;
  /** `auto` (default): text on a terminal, else JSON. Text needs the package pino-pretty; without it lines are JSON. */
  format?: 'json' | 'text' | 'auto';
  /**
   * Default: standard error, written synchronously so that nothing is lost at exit; lines of `request_log` are written
   * together, once a turn of the event loop. If it is not read, up to 1 MiB of lines wait in memory. Further lines, and
   * those that cannot be written, as on a full disk, are dropped, and a line with their number precedes the next one
   * that is written.
   */
  destination?: { write(line: string): void };
  /**
   * File to append to, in place of `destination`; `createLogger` throws the system's error if it cannot be opened. The
   * logger's `reopen()` opens it again.
   */
  file?: string;
  /**
   * A logger of the application, such as `pino()`, that writes the lines in place of `destination` and `file`, in its
   * own format. `level` defaults to its level, and `base` to its fields.
   */
  logger?: ApplicationLogger;
  /** Fields of every line; `name` by convention. */
  base?: LogFields;
  /** Returns fields at the time of a line. Default: the ids of the current request (`contextFacts`). */
  facts?: () => LogFields;
}

/** A line is written if its level is not below the logger's; pino's numbers. */
const RANK: Readonly<Record<LogLevel, number>> = {
  trace: 10,
  debug: 20,
  info: 30,
  warn: 40,
  error: 50,
  silent: Number.POSITIVE_INFINITY,
};

/** From the most verbose level to silence. */
export const LOG_LEVELS = Object.keys(RANK) as readonly LogLevel[];

/** pino's number of the level that is not a threshold. */
const customLevels = { notice: 35 };

/** Levels as words and times as ISO 8601, which people and collectors read without a table. */
const formatters = {
  level: (label: string) => ({ level: label }),
  /** JSON shows nothing of an error, and pino's serializer applies to the name `err` only. */
  log: (fields: Record<string, unknown>) => {
    for (const name in fields) {
      const value = fields[name];
      if (typeof value === 'object' && isLostError(name, value)) return withErrors(fields);
    }
    return fields;
  },
};

/** Returns the time in the form of pino's `isoTime`; the date is formatted once a second, which saves 0.5 µs a line. */
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

const INSTALL_PRETTY = 'npm install --save-dev pino-pretty';

const NAMES: readonly (keyof LoggerOptions)[] = ['level', 'format', 'destination', 'file', 'logger', 'base', 'facts'];

/** Creates a logger, by default on standard error. Throws for an unknown level or option. */
export function createLogger(options: LoggerOptions = {}): Logger {
  refuseUnknownOptions('PORTICO_INVALID_OPTION', 'a logger', options, NAMES);
  if (options.logger !== undefined) return over(options.logger, options);
  const { level = 'info', format = 'auto', base = {} } = options;
  const elsewhere = options.destination !== undefined || options.file !== undefined;
  const wantsText = format === 'text' || (format === 'auto' && !elsewhere && process.stderr.isTTY);
  const toText = wantsText ? readable({ ...RANK, ...customLevels }) : undefined;
  const text = toText !== undefined;
  const own = options.file !== undefined || options.destination === undefined;
  const output = own ? new LogOutput(ownLines(text, base), options.file) : undefined;
  const place = output ?? options.destination!;
  const dropped = new LostLines();
  const destination = { write: (line: string): void => place.write(printableJson(line)) };
  // Loaded on demand: it takes 18 ms of CPU time, and commands without a logger do not need it.
  const { pino } = createRequire(import.meta.url)('pino') as typeof Pino;
  const stream = (
    text ? { write: (line: string) => destination.write(toText(line)) } : destination
  ) as NodeJS.WritableStream;
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
    drop: dropped.drop,
    lost: () => (output?.lost ?? 0) + dropped.lost(),
    ...(options.file !== undefined && { reopen }),
  };
  const bindings = { pid: process.pid, ...base };
  const log = wrap(linesWith(bindings), linesWith(base), thresholdAt(level), bindings, more);
  if (format === 'text' && !text) log.warn(`The log is JSON, because text needs a package: ${INSTALL_PRETTY}`);
  return log;
}

/** Creates a logger that passes its lines to the application's logger. */
function over(logger: ApplicationLogger, { level, base = {}, facts = momentFacts, ...others }: LoggerOptions): Logger {
  const without = (['format', 'destination', 'file'] as const).filter((name) => others[name] !== undefined);
  const hint = 'Write logger: pino(), or an object with its methods, without format, destination and file.';
  if (!isApplicationLogger(logger) || without.length > 0) {
    const message =
      without.length > 0 ? `a logger has both logger and ${without.join(', ')}` : 'logger of a logger lacks methods';
    throw new PorticoError('PORTICO_INVALID_OPTION', { message, hint });
  }
  const { level: named, levelVal = RANK.info } = logger;
  // `fatal` and the application's levels have no name in Portico's log.
  const own = LOG_LEVELS.find((name) => name === named) ?? LOG_LEVELS.find((name) => RANK[name] >= levelVal)!;
  // Created here, because a logger may refuse the level of a child.
  const made = linesOf(logger, base, facts);
  const lines = (): Lines => made;
  return wrap(lines, lines, thresholdAt(level ?? own), base, new LostLines());
}

/** Creates a logger that writes nothing: for tests and for embedding without logs. */
export function silentLogger(): Logger {
  const no = (): void => undefined;
  const none: Lines = { debug: no, info: no, warn: no, error: no, notice: no, child: () => none };
  const lines = () => none;
  return wrap(lines, lines, thresholdAt('silent'), {}, { record: () => no });
}

/** Created at the first line: most loggers write none. */
type LinesMaker = () => Lines;

function childOf(lines: LinesMaker, fields: LogFields): LinesMaker {
  return lazily(() => lines().child(fields));
}

/** Parts that a logger and its children share. */
interface Shared extends Pick<Logger, 'reopen' | 'lost' | 'format'> {
  /** Counts a line that its logger or destination has not taken. */
  readonly drop?: (failure: unknown) => void;
  /** Writes lines with these fields, at any level. Absent: the lines are not JSON of this log. */
  readonly record?: (bindings: LogFields, names: ReadonlySet<string>) => WriteRecord;
}

/** Result of `recordWriter`. */
interface OwnLogger {
  readonly [RECORDS]?: (names: ReadonlySet<string>) => WriteRecord;
}

/** Lowest level that is written. The threshold of a child has that of its parent as prototype until it gets its own. */
interface Threshold {
  level: LogLevel;
  rank: number;
}

const thresholdAt = (level: LogLevel): Threshold => ({ level: known(level), rank: RANK[level] });

/**
 * `withoutPid` creates the same logger without the id of this process: for lines about another process, whose id is among their fields. A
 * name may occur only once in an object (RFC 8259 §4). `bindings`: fields of every line. `more`: further methods of its children.
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
        // A getter of a logged value may throw: the caller must not fail for that, nor for a logger that fails.
        try {
          write(asked, readableParts([first, ...rest], error));
        } catch (failure) {
          more.drop?.(failure);
        }
      }
    };
  };
  const write = (asked: keyof Omit<Lines, 'child'>, [fields, message]: LineParts): void =>
    (fields.pid === undefined ? target : withoutPid)()[asked](fields, message);
  const { record, drop: _drop, ...shared } = more;
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
    ...(record && {
      [RECORDS]: (names) => {
        const write = record(bindings, names);
        return (asked, message, members) => {
          if (RANK[asked] >= threshold.rank) write(asked, message, members);
        };
      },
    }),
    ...shared,
  };
}

function known(level: LogLevel): LogLevel {
  if (!Object.hasOwn(RANK, level))
    throw withCode(
      new RangeError(`unknown level ${level}: one of ${Object.keys(RANK).join(', ')}`),
      'PORTICO_LOG_LEVEL',
    );
  return level;
}

/** Creates a value at its first use. */
function lazily<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

// Lines that an application's logger or destination has not taken.

/** Counts lost lines, and reports them on standard error at most once a minute: the logger itself may have no sign of them. */
class LostLines {
  readonly #reported = new Throttle(60_000);
  #lost = 0;

  readonly lost = (): number => this.#lost;

  readonly drop = (failure: unknown): void => {
    this.#lost++;
    this.#reported.tell((count) => {
      const why = ignoreErrors(() => printable(maskUris(String(failure)))) ?? 'for an unknown reason';
      writeBeside(`WARN: ${countText(count, 'log line')} lost, because the logger failed: ${why}\n`);
    });
  };
}

// Log lines as text for people at a terminal.

/** Name of the field before diagnostics, each of which has its severity. */
const DOUBLE = /\n {4}error: (?=(?:.*?: )?(?:error|warning): )/;

/**
 * Returns a function that makes text of a JSON line; undefined without pino-pretty. `levels`: all levels by name.
 * The package is optional and loaded on demand: only a terminal needs it, and it takes longer to load than pino itself.
 */
function readable(levels: Readonly<Record<string, number>>): ((line: string) => string) | undefined {
  const require = createRequire(import.meta.url);
  if (ignoreErrors(() => require.resolve('pino-pretty')) === undefined) return undefined;
  const { prettyFactory } = require('pino-pretty') as {
    prettyFactory(options: object): (line: object) => string | undefined;
  };
  const pretty = prettyFactory({
    ignore: 'pid,hostname',
    translateTime: 'SYS:HH:MM:ss.l',
    singleLine: true,
    // With custom levels, it does not know the built-in ones.
    customLevels: levels,
    customPrettifiers: { error: errorText },
  });
  return (line) =>
    pretty(JSON.parse(line, asShown) as object)
      ?.replace(' \n', '\n')
      .replace(DOUBLE, '\n    ') ?? '';
}

/** pino-pretty writes most texts as JSON, and these unchanged. */
function asShown(this: { readonly error?: unknown }, name: string, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  // An empty field.
  if (value === '' && name !== 'msg') return undefined;
  if (name === 'stack') return printableLines(value);
  // The error whose first line is at the end of the message is shown below it.
  if (name === 'msg' && typeof this.error === 'string') {
    const end = `: ${this.error.split('\n', 1)[0]}`;
    return printable(value.endsWith(end) ? value.slice(0, -end.length) : value);
  }
  return name === 'msg' || name === 'name' ? printable(value) : value;
}

function errorText(value: unknown): string {
  return typeof value === 'string' ? printableLines(value) : JSON.stringify(value, null, 2);
}

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

/**
 * For an event that may occur thousands of times a second: writes at most one line in each interval, with the number of events since the
 * line before.
 */
export class Throttle {
  readonly #everyMs: number;
  #toldAt = Number.NEGATIVE_INFINITY;
  #count = 0;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** Counts an event; calls `write` with the count unless a line was written a moment ago. */
  tell(write: (count: number) => void): void {
    this.#count++;
    const now = performance.now();
    if (now - this.#toldAt < this.#everyMs) return;
    this.#toldAt = now;
    write(this.takeCount());
  }

  /** Returns the number of events since the last line. The next line does not count them again. */
  takeCount(): number {
    const count = this.#count;
    this.#count = 0;
    return count;
  }
}
