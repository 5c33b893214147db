/**
 * A file as the place of a log. Each line is appended by one write, so that the lines of several processes stay whole, and
 * a file that is copied and truncated goes on at its beginning (`O_APPEND`).
 */
import { closeSync, openSync } from 'node:fs';
import { resolve } from 'node:path';
import { refuseForeignLink } from '../process/index.js';
import { StandardError } from './standard-error.js';

/** What may be read of a log is for its owner and group. */
const MODE = 0o640;

function openLog(path: string): number {
  refuseForeignLink(path);
  return openSync(path, 'a', MODE);
}

/** Takes whole lines and never throws; what it cannot write is counted as on standard error. */
export class LogFile {
  readonly path: string;
  readonly #lines: StandardError;
  #descriptor: number;

  /** Creates the file where there is none. Throws the system's error where it cannot be opened. */
  constructor(path: string, told: (dropped: number, code: string) => string) {
    // A program may change its working directory.
    this.path = resolve(path);
    this.#descriptor = openLog(this.path);
    this.#lines = new StandardError(told, this.#descriptor);
  }

  /** Lines that could not be written. */
  get lost(): number {
    return this.#lines.lost;
  }

  write(line: string): void {
    this.#lines.write(line);
  }

  /**
   * Writes from now on to the file that has this name now: the one before was renamed. Where it cannot be opened the one
   * before stays, and the system's error is given.
   */
  reopen(): NodeJS.ErrnoException | undefined {
    const before = this.#descriptor;
    try {
      this.#descriptor = openLog(this.path);
    } catch (error) {
      return error as NodeJS.ErrnoException;
    }
    this.#lines.redirect(this.#descriptor);
    closeSync(before);
    return undefined;
  }
}
