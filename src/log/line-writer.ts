/**
 * Where a log goes: standard error, or a file. Lines of one turn of the event loop leave in one write, at the latest when the
 * turn ends, and before the process ends. The write is synchronous. A full disk, a reader that is gone or a descriptor that is
 * closed must not end the process: lines that cannot be written are counted instead.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { refuseForeignLink } from '../process/index.js';

/** A descriptor shared by several processes may be non-blocking: how often, and how long each time, its reader is waited for. */
const PATIENCE = { times: 200, ms: 5 } as const;

/** POSIX writes so many bytes to a pipe in one piece (PIPE_BUF): lines of several processes stay whole. */
const MOST_BYTES = 4096;

const NEWLINE = 10;

/** The writer that holds lines. One at a time: all lines of a process keep their order. */
let holding: LineWriter | undefined;
let watchesEnd = false;
/** The process is at its end: no turn follows. */
let ending = false;

function watchEnd(): void {
  watchesEnd = true;
  const flush = (): void => holding?.flush();
  process.on('exit', () => {
    ending = true;
    flush();
  });
  // Before Node prints the error.
  process.on('uncaughtExceptionMonitor', flush);
}

/** Takes whole lines and never throws. */
export class LineWriter {
  readonly #told: (dropped: number, code: string) => string;
  #descriptor: number;
  /** Lines that wait for the end of the turn, and their length in bytes. */
  #held: string[] = [];
  #heldBytes = 0;
  /** Lines since the last one that was written. */
  #dropped = 0;
  #code = '';
  /** A part of a line is out that has no end. */
  #torn = false;

  /** `told`: the line, with its end, that says how many were lost and by what; it goes before the first that can be written. */
  constructor(told: (dropped: number, code: string) => string, descriptor = 2) {
    this.#told = told;
    this.#descriptor = descriptor;
  }

  /** Writes a line, which has its end, when this turn of the event loop ends, or before. */
  write(line: string): void {
    const bytes = Buffer.byteLength(line);
    if (holding !== this || this.#heldBytes + bytes > MOST_BYTES) holding?.flush();
    if (holding === undefined) {
      holding = this;
      if (!watchesEnd) watchEnd();
      setImmediate(() => this.flush());
    }
    this.#held.push(line);
    this.#heldBytes += bytes;
    if (ending || this.#heldBytes >= MOST_BYTES) this.flush();
  }

  /** Writes what is held now. */
  flush(): void {
    if (holding === this) holding = undefined;
    const { length } = this.#held;
    if (length === 0) return;
    const text = this.#held.join('');
    this.#held = [];
    this.#heldBytes = 0;
    if (this.#dropped > 0) {
      // Another process that shares the descriptor may have left a part of a line there: better an empty line than none.
      this.#torn = true;
      if (!this.#tellDropped()) {
        this.#dropped += length;
        return;
      }
      this.#dropped = 0;
    }
    this.#dropped = length - this.#put(text, length);
  }

  /** Writes to this descriptor from now on. */
  protected redirect(descriptor: number): void {
    this.flush();
    this.#descriptor = descriptor;
    this.#torn = false;
  }

  #tellDropped(): boolean {
    return this.#put(this.#told(this.#dropped, this.#code), 1) === 1;
  }

  /** How many of the `lines` of a text are written whole. */
  #put(lines: string, count: number): number {
    const bytes = Buffer.from(this.#torn ? `\n${lines}` : lines);
    let done = 0;
    let waited = 0;
    while (done < bytes.length) {
      try {
        done += writeSync(this.#descriptor, bytes, done);
        waited = 0;
      } catch (error) {
        if (this.#mayWait(error, waited)) {
          waited += 1;
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PATIENCE.ms);
          continue;
        }
        if (done > 0) this.#torn = bytes[done - 1] !== NEWLINE;
        return count - linesIn(bytes.subarray(done));
      }
    }
    this.#torn = false;
    return count;
  }

  /** Once a reader was waited for in vain, it is not waited for again until lines get through. */
  #mayWait(error: unknown, waited: number): boolean {
    this.#code = (error as NodeJS.ErrnoException).code ?? String(error);
    return this.#code === 'EAGAIN' && this.#dropped === 0 && waited < PATIENCE.times;
  }
}

function linesIn(bytes: Uint8Array): number {
  return bytes.reduce((count, byte) => (byte === NEWLINE ? count + 1 : count), 0);
}

/** What may be read of a log is for its owner and group. */
const MODE = 0o640;

function openLog(path: string): number {
  refuseForeignLink(path);
  return openSync(path, 'a', MODE);
}

/** A file that is appended to: one that is copied and truncated goes on at its beginning (`O_APPEND`). */
export class LogFile extends LineWriter {
  readonly #path: string;
  #opened: number;

  /** Creates the file where there is none. Throws the system's error where it cannot be opened. */
  constructor(path: string, told: (dropped: number, code: string) => string) {
    const opened = openLog(path);
    super(told, opened);
    // A program may change its working directory.
    this.#path = resolve(path);
    this.#opened = opened;
  }

  /**
   * Writes from now on to the file that has this name now: the one before was renamed. Where it cannot be opened the one
   * before stays, and the system's error is given.
   */
  reopen(): NodeJS.ErrnoException | undefined {
    const before = this.#opened;
    try {
      this.#opened = openLog(this.#path);
    } catch (error) {
      return error as NodeJS.ErrnoException;
    }
    this.redirect(this.#opened);
    closeSync(before);
    return undefined;
  }
}
