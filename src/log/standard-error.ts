/**
 * Standard error, or another descriptor, as the place of a log, written synchronously so that nothing is lost at exit. A full disk, a reader that
 * is gone or a descriptor that is closed must not end what logs: lines that cannot be written are counted instead.
 */
import { writeSync } from 'node:fs';

/** What is shared by several processes may be non-blocking: so often, and so long each time, is waited for its reader. */
const PATIENCE = { times: 200, ms: 5 } as const;

const NEWLINE = 10;

/** Takes whole lines and never throws. */
export class StandardError {
  readonly #told: (dropped: number, code: string) => string;
  #descriptor: number;
  /** Lines that were lost. */
  lost = 0;
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

  /** Writes to this descriptor from now on. */
  redirect(descriptor: number): void {
    this.#descriptor = descriptor;
    this.#torn = false;
  }

  /** Writes a line, which has its end. */
  write(line: string): void {
    if (this.#dropped > 0) {
      // Another process that shares the descriptor may have left a part of a line there: better an empty line than none.
      this.#torn = true;
      if (!this.#put(this.#told(this.#dropped, this.#code))) {
        this.#drop();
        return;
      }
      this.#dropped = 0;
    }
    if (!this.#put(line)) this.#drop();
  }

  #drop(): void {
    this.#dropped += 1;
    this.lost += 1;
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
      if (!this.#mayWait(error, 0)) return false;
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
        return false;
      }
    }
    this.#torn = false;
    return true;
  }

  /** Who has waited for a reader in vain once does so no more until lines get through. */
  #mayWait(error: unknown, waited: number): boolean {
    this.#code = (error as NodeJS.ErrnoException).code ?? String(error);
    return this.#code === 'EAGAIN' && this.#dropped === 0 && waited < PATIENCE.times;
  }
}
