/**
 * Standard error or a file as the destination of a log. Writes synchronously, so that nothing is lost at exit; lines of
 * requests are written together once a turn. A full disk, a closed pipe or a closed descriptor must not end the
 * process, and a reader of standard error that stops must not block it: lines wait in memory for the reader, and those
 * that cannot be written are counted.
 *
 * pino with its own destination (sonic-boom) does not do this. Asynchronous, it writes to a pipe on a thread of libuv's pool, which blocks
 * if nobody reads: `process.exit` then waits for that thread forever; and a process that ends with status 0 loses its last lines.
 * Synchronous, it blocks the event loop. A request's line costs 4 times as much asynchronously, 5 times synchronously.
 */
import { closeSync, fstatSync, type Stats, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { ignoreErrors } from '../errors/index.js';
import { openToAppend, unblock } from '../process/index.js';
import { countText, printableJson } from '../text/index.js';
import { errorFields, json, type LogFields } from './log-arguments.js';

/** Mode of a log file: owner and group may read it. */
const MODE = 0o640;

/** Most characters of lines that wait for the reader of standard error. */
const MOST_WAITING = 2 ** 20;

/** First and longest interval of attempts to write the lines that wait, in milliseconds: a reader that has stopped costs no CPU. */
const AGAIN_MS = 5;
const LONGEST_AGAIN_MS = 250;

/** Most milliseconds for which the exit of a process waits for the reader; not for one that has stopped for so long before. */
const LAST_MS = 1000;

const NEWLINE = 10;

/** Bytes that a pipe takes atomically, also from several writers (`PIPE_BUF` on Linux). */
const WHOLE = 4096;

/** Interval of looks whether the file was deleted, in milliseconds. */
const LOOK_MS = 1000;

/** Minimum interval of notices on standard error that a file takes no lines, in milliseconds. */
const TOLD_EVERY_MS = 60_000;

/** Outputs with lines that are written when the process ends. */
const pending = new Set<LogOutput>();
let endsNoted = false;
/** At exit, when no turn of the event loop ends any more: the time until which lines wait for the reader. */
let lastMoment: number | undefined;

/** Returns the lines that an output writes about itself. */
export interface OwnLines {
  /** The number of lost lines, and the reason; it precedes the next line that is written. */
  readonly lost: (dropped: number, code: string) => string;
  /** The file was deleted, and is made again. */
  readonly made: (path: string) => string;
}

/** Reports on standard error that lines of a file are lost: the file itself has no sign of it. */
function tellOperator(path: string, code: string): void {
  const why = code === 'ENOSPC' ? 'the disk is full' : code;
  writeBeside(`WARN: log lines are lost until ${path} can be written again: ${why}\n`);
}

/** Writes a line to standard error that is not one of the log. It is lost if standard error is not read. */
export function writeBeside(line: string): void {
  ignoreErrors(() => {
    unblock(process.stderr);
    writeSync(2, line);
  });
}

/** Writes the remaining lines at exit; registered once for all outputs. */
function noteEnd(finish: (output: LogOutput) => void): void {
  if (endsNoted) return;
  endsNoted = true;
  process.on('exit', () => {
    lastMoment = performance.now() + LAST_MS;
    // Those that finish may be added again.
    for (const output of Array.from(pending)) finish(output);
  });
}

/** Lines that wait for the reader of standard error. */
interface Waiting {
  /** Their text; its unwritten bytes after an incomplete write. */
  rest: string | Buffer;
  readonly length: number;
  /** Number of lines, without those that the log writes about itself. */
  readonly lines: number;
  /** Number of lost lines that they report. */
  readonly told: number;
}

function sameFile(one: Stats, other: Stats | undefined): boolean {
  return one.dev === other?.dev && one.ino === other.ino;
}

/**
 * Writes whole lines and never throws. Each line is appended to a file by one write, so that the lines of several
 * processes stay whole, and a file that is copied and truncated continues at its beginning (`O_APPEND`).
 */
export class LogOutput {
  readonly #path: string | undefined;
  /** Undefined for a file, which has no reader. */
  readonly #stderr: NodeJS.WriteStream | undefined;
  readonly #own: OwnLines;
  #descriptor: number;
  /** Stats of the opened file; undefined for standard error. */
  #file: Stats | undefined;
  /** Number of lost lines. */
  lost = 0;
  /** Number of lost lines since the last one that was written. */
  #dropped = 0;
  #toldAt = Number.NEGATIVE_INFINITY;
  #lookedAt = performance.now();
  /** True if the file was deleted and cannot be made again. */
  #isGone = false;
  #code = '';
  /** True if the last byte that was written is not the end of a line. */
  #torn = false;
  /** Lines of this turn of the event loop. */
  #gathered = '';
  #gatheredBytes = 0;
  #isDue = false;
  /** In the order of their writes. */
  readonly #waiting: Waiting[] = [];
  #waitingLength = 0;
  #isDueAgain = false;
  #againMs = AGAIN_MS;
  #triedAt = 0;
  /** Time since which the reader takes nothing; undefined if it does. */
  #stoppedAt: number | undefined;

  /**
   * `path`: a file in place of standard error, created if missing, also when it was deleted since. Throws the system's error if it cannot
   * be opened.
   */
  constructor(own: OwnLines, path?: string) {
    this.#own = own;
    // An application may change its working directory.
    this.#path = path === undefined ? undefined : resolve(path);
    this.#descriptor = this.#path === undefined ? 2 : openToAppend(this.#path, MODE);
    if (this.#path === undefined) this.#stderr = process.stderr;
    else this.#file = fstatSync(this.#descriptor);
    noteEnd((output) => output.#finish());
  }

  /**
   * Opens the path again, because the file was renamed. If it cannot be opened, the old file stays in use, and the
   * system's error is returned; so is an error of closing the old file.
   */
  reopen(): NodeJS.ErrnoException | undefined {
    this.#flush();
    const before = this.#descriptor;
    // If other code has closed the descriptor, its number is free for the new file, or belongs to another file.
    const isOwn = ignoreErrors(() => sameFile(fstatSync(before), this.#file)) === true;
    try {
      this.#descriptor = openToAppend(this.#path!, MODE);
      this.#file = fstatSync(this.#descriptor);
      this.#torn = false;
      this.#isGone = false;
      if (!isOwn) return Object.assign(new Error('EBADF: other code has closed the log file'), { code: 'EBADF' });
      closeSync(before);
    } catch (error) {
      return error as NodeJS.ErrnoException;
    }
    return undefined;
  }

  /** Writes a line, including its line end. */
  write(line: string): void {
    this.#flush();
    this.#write(line, 1);
  }

  /**
   * Writes a line, including its line end, together with others of this turn of the event loop: at the end of the turn,
   * before the next line of {@link write}, and at exit. A process that is killed loses the lines of its last turn.
   */
  gather(line: string): void {
    if (lastMoment !== undefined) {
      this.write(line);
      return;
    }
    const bytes = Buffer.byteLength(line);
    if (this.#gatheredBytes + bytes > WHOLE) this.#flush();
    this.#gathered += line;
    this.#gatheredBytes += bytes;
    pending.add(this);
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      this.#flush();
    });
  }

  #flush(): void {
    const lines = this.#gathered;
    if (lines === '') return;
    this.#gathered = '';
    this.#gatheredBytes = 0;
    pending.delete(this);
    this.#write(lines, lines.split('\n').length - 1);
  }

  /** At exit, gives the reader time for the lines that wait, unless it has stopped before. */
  #finish(): void {
    this.#flush();
    while (!this.#catchUp()) {
      const now = performance.now();
      if (now > lastMoment! || now - (this.#stoppedAt ?? now) > LAST_MS) return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, AGAIN_MS);
    }
  }

  /** Lines in a deleted file are lost: the file is made again. Returns whether that fails. A renamed file is left alone. */
  #lacksFile(): boolean {
    const now = performance.now();
    if (this.#file === undefined || now - this.#lookedAt < LOOK_MS) return this.#isGone;
    this.#lookedAt = now;
    if (ignoreErrors(() => fstatSync(this.#descriptor).nlink) !== 0) return false;
    const failed = this.reopen();
    this.#isGone = failed !== undefined;
    if (failed === undefined) this.#put(this.#own.made(this.#path!), 0);
    else this.#code = failed.code ?? failed.message;
    return this.#isGone;
  }

  #write(lines: string, count: number): void {
    if (this.#lacksFile()) {
      this.#drop(count);
      return;
    }
    if (this.#waiting.length > 0 && performance.now() - this.#triedAt >= AGAIN_MS) this.#catchUp();
    if (this.#waiting.length === 0) this.#tellLost();
    // After a lost line all are lost until the reader has caught up: the line that reports them is where they are missing.
    if (this.#dropped > 0 || this.#waitingLength > MOST_WAITING) this.#drop(count);
    else this.#put(lines, count);
    if (lastMoment !== undefined) this.#finish();
  }

  #drop(count: number): void {
    if (this.#path !== undefined && performance.now() - this.#toldAt >= TOLD_EVERY_MS) {
      this.#toldAt = performance.now();
      tellOperator(this.#path, this.#code);
    }
    this.#dropped += count;
    this.lost += count;
  }

  /** Writes the number of lost lines, if any. If it cannot be written, they remain to be reported. */
  #tellLost(): void {
    const told = this.#dropped;
    if (told === 0) return;
    this.#dropped = 0;
    // Another process that shares the descriptor may have left an incomplete line: an empty line is better than a
    // joined one.
    this.#torn = true;
    this.#put(this.#own.lost(told, this.#code), 0, told);
  }

  /** Writes lines, or lets them wait for the reader. Drops them if they cannot be written. */
  #put(text: string, lines: number, told = 0): void {
    if (this.#waiting.length === 0 && !this.#torn) {
      try {
        if (this.#stderr !== undefined) unblock(this.#stderr);
        const done = writeSync(this.#descriptor, text);
        if (done === Buffer.byteLength(text)) return;
        this.#wait(this.#restOf(text, done), lines, told);
      } catch {
        // The next attempt meets the same error.
        this.#wait(text, lines, told);
      }
    } else this.#wait(text, lines, told);
    if (this.#waiting.length === 1) this.#drain();
  }

  #wait(rest: string | Buffer, lines: number, told: number): void {
    this.#waiting.push({ rest, length: rest.length, lines, told });
    this.#waitingLength += rest.length;
    pending.add(this);
  }

  #restOf(text: string | Buffer, done: number): Buffer {
    const bytes = typeof text === 'string' ? Buffer.from(text) : text;
    if (done > 0) this.#torn = bytes[done - 1] !== NEWLINE;
    return bytes.subarray(done);
  }

  /** Writes the lines that wait, then the number of lost ones. Returns false if the reader takes no more. */
  #catchUp(): boolean {
    if (!this.#drain()) return false;
    this.#tellLost();
    return this.#waiting.length === 0;
  }

  /** Writes the lines that wait. Returns false if the reader takes no more. */
  #drain(): boolean {
    this.#triedAt = performance.now();
    if (this.#stderr !== undefined) unblock(this.#stderr);
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      // The rest of an incomplete line continues it.
      const { rest } = first;
      const bytes = typeof rest === 'string' && this.#torn ? `\n${rest}` : rest;
      try {
        const done = writeSync(this.#descriptor, bytes as string);
        this.#stoppedAt = undefined;
        this.#againMs = AGAIN_MS;
        if (done < Buffer.byteLength(bytes)) {
          first.rest = this.#restOf(bytes, done);
          continue;
        }
        this.#torn = false;
      } catch (error) {
        this.#code = (error as NodeJS.ErrnoException).code ?? String(error);
        if (this.#code === 'EAGAIN') {
          this.#stoppedAt ??= this.#triedAt;
          this.#tryAgain();
          return false;
        }
        this.#dropped += first.told;
        const ends = first.rest.toString('latin1').split('\n').length - 1;
        if (first.lines > 0) this.#drop(Math.min(first.lines, ends));
      }
      this.#waiting.shift();
      this.#waitingLength -= first.length;
    }
    if (this.#gathered === '') pending.delete(this);
    return true;
  }

  #tryAgain(): void {
    if (this.#isDueAgain || lastMoment !== undefined) return;
    this.#isDueAgain = true;
    setTimeout(() => {
      this.#isDueAgain = false;
      this.#catchUp();
    }, this.#againMs).unref();
    this.#againMs = Math.min(2 * this.#againMs, LONGEST_AGAIN_MS);
  }
}

/** Returns the lines that a log writes about itself, as text or JSON. */
export function ownLines(text: boolean, base: LogFields): OwnLines {
  const line = (message: string, facts: LogFields): string => {
    const fields = { pid: process.pid, ...base, ...facts };
    const time = new Date().toISOString();
    return text ? `WARN: ${message}\n` : `${json({ level: 'warn', time, ...fields, msg: message })}\n`;
  };
  return {
    lost: (dropped, code) => {
      const why = code === 'EAGAIN' ? ': standard error was not read' : ` (${code})`;
      const message = `${countText(dropped, 'line')} of this log could not be written${why}`;
      return line(message, { event: 'log_lines_lost', dropped, code });
    },
    made: (file) => {
      const message = `The log file was deleted and is made again: lines of up to a second are missing`;
      return line(message, { event: 'log_file_made', file });
    },
  };
}

// Log files of this process, for reopening all of them.

/** A function for each file that loggers write to, which reopens it. Collected together with its logger. */
const reopeners = new Set<WeakRef<() => void>>();

function live(): (() => void)[] {
  return [...reopeners].flatMap((held) => {
    const reopen = held.deref();
    if (reopen === undefined) reopeners.delete(held);
    return reopen ?? [];
  });
}

/** Adds a file that {@link reopenLogs} reopens. */
export function noteReopener(reopen: () => void): void {
  live();
  reopeners.add(new WeakRef(reopen));
}

/**
 * Reopens all log files of this process by their names, each once; `own`: a logger that `createLogger` may not have
 * created.
 */
export function reopenLogs(own: { readonly reopen?: (() => void) | undefined }): void {
  const known = live();
  for (const reopen of known) reopen();
  if (own.reopen !== undefined && !known.includes(own.reopen)) own.reopen();
}

/** Writes one line. `members`: JSON, each member after a comma: `,"status":200,"bytes":5`. */
export type WriteRecord = (level: 'info' | 'warn', message: string, members: string) => void;

/**
 * Returns the writer of lines whose members have these names; fields of the current moment with these names are left
 * out.
 */
type RecordWriter = (names: ReadonlySet<string>) => WriteRecord;

/** Key of a logger's function that creates record writers; set by `createLogger`. */
export const RECORDS: unique symbol = Symbol('portico.log.records');

/** Returns the writer of a logger; undefined if `createLogger` has not created it. */
export function recordWriter(log: object, names: ReadonlySet<string>): WriteRecord | undefined {
  return (log as { readonly [RECORDS]?: RecordWriter })[RECORDS]?.(names);
}

const PLAIN = /^[ !#-[\]-~]*$/;

/** Returns a text as JSON that is safe for a terminal. */
export function jsonString(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : printableJson(JSON.stringify(text));
}

/** Returns fields as members, without those of these names. */
export function membersOf(facts: LogFields, names?: ReadonlySet<string>): string {
  let members = '';
  for (const name in facts) {
    if (names?.has(name) === true) continue;
    const value = facts[name];
    const text = value === undefined ? undefined : json(errorFields(value));
    if (text !== undefined) members += `,${jsonString(name)}:${printableJson(text)}`;
  }
  return members;
}

// Fields of the current moment, which every logger adds unless it has other ones: `src/app` sets the ids of the current
// request; an application without requests has none.

let told: () => LogFields = () => ({});
/** Calls a function that writes the line of an unhandled error. */
type OfUnhandled = <T>(tell: (request: LogFields) => T) => T;

let ofUnhandled: OfUnhandled = (tell) => tell({});

/** Sets the function that returns the fields of each line, and the one that calls the writer of an unhandled error. */
export function describeMoments(facts: () => LogFields, unhandled: OfUnhandled): void {
  told = facts;
  ofUnhandled = unhandled;
}

/** Returns the fields of this moment. */
export function momentFacts(): LogFields {
  return told();
}

/** Calls `tell` with method and path of the request that an unhandled error belongs to; without any if there is no such request. */
export function tellUnhandled<T>(tell: (request: LogFields) => T): T {
  return ofUnhandled(tell);
}
