/**
 * Standard error, or a file, as the place of a log, written synchronously so that nothing is lost at exit; lines of requests turn by turn. A full disk, a reader that
 * is gone or a descriptor that is closed must not end what logs: lines that cannot be written are counted instead.
 */
import { closeSync, fstatSync, type Stats, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { ignoreErrors } from '../errors/index.js';
import { openToAppend } from '../process/index.js';

/** Mode of a log file: readable for its owner and group. */
const MODE = 0o640;

/** A stream that several processes share may be non-blocking: the writer waits for its reader so often, and so long each time. */
const PATIENCE = { times: 200, ms: 5 } as const;

const NEWLINE = 10;

/** So many bytes a pipe takes whole, also from several writers (`PIPE_BUF` of Linux). */
const WHOLE = 4096;

/** How often a process says on standard error that a file takes no lines, at most, in milliseconds. */
const TOLD_EVERY_MS = 60_000;

/** Outputs that have gathered lines: none of these is lost when the process ends. */
const gathering = new Set<LogOutput>();
let endsNoted = false;
/** The process exits: no turn of the loop ends any more. */
let exiting = false;

/** Tells standard error that lines of a file are lost: an operator who looks there finds no sign of it in the file. */
function tellOperator(path: string, code: string): void {
  const why = code === 'ENOSPC' ? 'the disk is full' : code;
  ignoreErrors(() => writeSync(2, `WARN: log lines are lost until ${path} can be written again: ${why}\n`));
}

/** Writes at the exit what is gathered; once for all outputs. */
function noteEnd(flush: (output: LogOutput) => void): void {
  if (endsNoted) return;
  endsNoted = true;
  process.on('exit', () => {
    exiting = true;
    for (const output of gathering) flush(output);
  });
}

function sameFile(one: Stats, other: Stats | undefined): boolean {
  return one.dev === other?.dev && one.ino === other.ino;
}

/**
 * Takes whole lines and never throws. To a file each line is appended by one write, so that the lines of several processes stay
 * whole, and one that is copied and truncated goes on at its beginning (`O_APPEND`).
 */
export class LogOutput {
  readonly #path: string | undefined;
  readonly #told: (dropped: number, code: string) => string;
  #descriptor: number;
  /** The file that was opened; undefined for standard error. */
  #file: Stats | undefined;
  /** Lines that were lost. */
  lost = 0;
  /** Lines since the last one that was written. */
  #dropped = 0;
  #toldAt = Number.NEGATIVE_INFINITY;
  #code = '';
  /** A part of a line is out that has no end. */
  #torn = false;
  /** Lines of this turn of the loop. */
  #gathered = '';
  #gatheredBytes = 0;
  #isDue = false;
  /** Of lines that were not all written: how many were. */
  #whole = 0;

  /**
   * `told`: the line, with its end, that says how many were lost and by what; it goes before the first that can be written.
   * `path`: a file instead of standard error, created where there is none. Throws the system's error where it cannot be opened.
   */
  constructor(told: (dropped: number, code: string) => string, path?: string) {
    this.#told = told;
    // A program may change its working directory.
    this.#path = path === undefined ? undefined : resolve(path);
    this.#descriptor = this.#path === undefined ? 2 : openToAppend(this.#path, MODE);
    if (this.#path !== undefined) this.#file = fstatSync(this.#descriptor);
    noteEnd((output) => output.#flush());
  }

  /**
   * Writes from now on to the file that has this name now: the one before was renamed. If it cannot be opened the one
   * before stays, and the system's error is given; so is one of closing the file before.
   */
  reopen(): NodeJS.ErrnoException | undefined {
    this.#flush();
    const before = this.#descriptor;
    // If other code has closed it, its number is free for the new file, or is that of another file.
    const isOwn = ignoreErrors(() => sameFile(fstatSync(before), this.#file)) === true;
    try {
      this.#descriptor = openToAppend(this.#path!, MODE);
      this.#file = fstatSync(this.#descriptor);
      this.#torn = false;
      if (!isOwn) return Object.assign(new Error('EBADF: other code has closed the log file'), { code: 'EBADF' });
      closeSync(before);
    } catch (error) {
      return error as NodeJS.ErrnoException;
    }
    return undefined;
  }

  /** Writes a line, which has its end. */
  write(line: string): void {
    this.#flush();
    this.#write(line, 1);
  }

  /**
   * Writes a line, which has its end, with others of this turn of the loop: at the turn's end, before the next line that
   * {@link write} takes, and when the process exits. A process that is killed loses the lines of its last turn.
   */
  gather(line: string): void {
    if (exiting) {
      this.write(line);
      return;
    }
    const bytes = Buffer.byteLength(line);
    if (this.#gatheredBytes + bytes > WHOLE) this.#flush();
    this.#gathered += line;
    this.#gatheredBytes += bytes;
    gathering.add(this);
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
    gathering.delete(this);
    this.#write(lines, lines.split('\n').length - 1);
  }

  #write(lines: string, count: number): void {
    if (this.#dropped > 0) {
      // Another process that shares the descriptor may have left a part of a line there: better an empty line than none.
      this.#torn = true;
      if (!this.#put(this.#told(this.#dropped, this.#code))) {
        this.#drop(count);
        return;
      }
      this.#dropped = 0;
    }
    // The one that is torn is lost as well.
    if (!this.#put(lines)) this.#drop(Math.max(1, count - this.#whole));
  }

  #drop(count: number): void {
    if (this.#path !== undefined && performance.now() - this.#toldAt >= TOLD_EVERY_MS) {
      this.#toldAt = performance.now();
      tellOperator(this.#path, this.#code);
    }
    this.#dropped += count;
    this.lost += count;
  }

  #put(line: string): boolean {
    const text = this.#torn ? `\n${line}` : line;
    let done = 0;
    try {
      done = writeSync(this.#descriptor, text);
      if (done === Buffer.byteLength(text)) {
        this.#torn = false;
        return true;
      }
    } catch (error) {
      if (!this.#mayWait(error, 0)) {
        this.#whole = 0;
        return false;
      }
    }
    return this.#putRest(Buffer.from(text), done);
  }

  #putRest(bytes: Buffer, written: number): boolean {
    let done = written;
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
        this.#whole = bytes.subarray(0, done).toString('latin1').split('\n').length - (bytes[0] === NEWLINE ? 2 : 1);
        return false;
      }
    }
    this.#torn = false;
    return true;
  }

  /** A writer that has waited in vain once waits no more until lines get through. */
  #mayWait(error: unknown, waited: number): boolean {
    this.#code = (error as NodeJS.ErrnoException).code ?? String(error);
    return this.#code === 'EAGAIN' && this.#dropped === 0 && waited < PATIENCE.times;
  }
}
