/**
 * How far a paste file may go: each limit refuses a file that was built, or grew by mistake, to use up the process.
 */
import type { Origin } from '../errors/index.js';
import { PasteError } from './paste-error.js';

/** Bytes of one file. */
export const MAX_FILE_BYTES = 1_048_576;
/** Sections of one file. */
export const MAX_SECTIONS = 10_000;
/** Files opened by one load, one opened twice counted twice. */
const MAX_FILES = 1000;
/** UTF-16 units of one value after interpolation. */
const MAX_VALUE_LENGTH = 1_048_576;

/**
 * Contexts made by one load, and for each section it knows: a few mounts of mounts of mounts are otherwise enough for a
 * billion.
 */
const MIN_CONTEXTS = 1000;
const CONTEXTS_PER_SECTION = 20;
/** References from one to the next; the reference implementation ends near 330, with the stack of Python. */
const MAX_DEPTH = 400;
/** Text put together by all interpolation of one load, and what one `%(name)s` counts beside its text. */
const MAX_INTERPOLATED = 16 * 1_048_576;
const REFERENCE_COST = 16;

/** The use of one load so far. */
export class Usage {
  #files = 0;
  #contexts = 0;
  #sections = 0;
  #interpolated = 0;

  /** Counts a file that is opened. */
  file(name: string): void {
    if (++this.#files > MAX_FILES) throw tooMuch(`${name}: one load opens more than ${MAX_FILES} files`);
  }

  /** Counts the sections of a file that is new to this load. */
  sections(count: number): void {
    this.#sections += count;
  }

  /** Counts a context, `depth` references away from what was asked for. */
  context(depth: number): void {
    const most = MIN_CONTEXTS + CONTEXTS_PER_SECTION * this.#sections;
    if (++this.#contexts > most) throw tooMuch(`one load creates more than ${most} apps and filters`);
    if (depth > MAX_DEPTH) throw tooMuch(`more than ${MAX_DEPTH} nested references`);
  }

  /** Starts counting one value, which is at `origin`; the function returned is called for each piece of it. */
  value(origin: Origin): (length: number) => void {
    let used = 0;
    return (length) => {
      used += length + REFERENCE_COST;
      this.#interpolated += length + REFERENCE_COST;
      if (used > MAX_VALUE_LENGTH) {
        throw tooMuch(`the value grows beyond ${MAX_VALUE_LENGTH} characters by interpolation`, origin);
      }
      if (this.#interpolated > MAX_INTERPOLATED) {
        throw tooMuch(`all values together grow beyond ${MAX_INTERPOLATED} characters by interpolation`, origin);
      }
    };
  }
}

/** The error of a limit. */
export function tooMuch(message: string, origin?: Origin): PasteError {
  return new PasteError('PORTICO_PASTE_LIMIT', {
    message: `${message}.`,
    hint: 'This is a limit of the Loader, far above what a hand-written file needs.',
    origin,
  });
}

/** True for the error of a limit: it ends a load, even one that goes on after other mistakes. */
export function isLimit(error: unknown): boolean {
  return error instanceof PasteError && error.code === 'PORTICO_PASTE_LIMIT';
}
