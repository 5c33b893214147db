/** Limits on paste files. Each one refuses a file that would exhaust the process, by intent or by accident. */
import type { Origin } from '../errors/index.js';
import { PasteError } from './paste-error.js';

/** Bytes of one file. */
export const MAX_FILE_BYTES = 1_048_576;
/** Sections of one file. */
export const MAX_SECTIONS = 10_000;
/** Files opened by one load; a file opened twice counts twice. */
const MAX_FILES = 1000;
/** Cost of one value after interpolation: its UTF-16 units, and {@link REFERENCE_COST} for each piece. */
const MAX_VALUE_LENGTH = 1_048_576;

/** Contexts created by one load, in addition to 20 for each section. Without a limit, a few nested mounts create a billion. */
const MIN_CONTEXTS = 1000;
const CONTEXTS_PER_SECTION = 20;
/** Nested references. The reference implementation fails near 330, at the end of Python's stack. */
const MAX_DEPTH = 400;
/** Cost of all interpolation of one load, and the cost of each piece in addition to its length. */
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

  /** Counts the sections of a file that is opened for the first time. */
  sections(count: number): void {
    this.#sections += count;
  }

  /** Counts a context, `depth` references away from the first one. */
  context(depth: number): void {
    const most = MIN_CONTEXTS + CONTEXTS_PER_SECTION * this.#sections;
    if (++this.#contexts > most) throw tooMuch(`one load creates more than ${most} apps and filters`);
    if (depth > MAX_DEPTH) throw tooMuch(`more than ${MAX_DEPTH} nested references`);
  }

  /** Starts to count one value, which is at `origin`; the returned function is called with the length of each piece. */
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

/** Returns the error of a limit. */
export function tooMuch(message: string, origin?: Origin): PasteError {
  return new PasteError('PORTICO_PASTE_LIMIT', {
    message: `${message}.`,
    hint: 'This is a limit of the Loader, far above what a hand-written file needs.',
    origin,
  });
}

/** Reports whether an error is that of a limit. It ends a load, even one that continues after other errors. */
export function isLimit(error: unknown): boolean {
  return error instanceof PasteError && error.code === 'PORTICO_PASTE_LIMIT';
}
