/**
 * Reading and parsing paste files, and the errors of both.
 */
import { basename, isAbsolute, relative, resolve } from 'node:path';
import { errorText, type Origin, shownPath } from '../errors/index.js';
import { type PasteDocument, type PasteProblem, readPaste } from '../ini/index.js';
import { excerpt, masked } from '../text/index.js';
import { ConfigNotFound, PasteError, PasteLimit } from './paste-error.js';

/** Returns the bytes of a file by its absolute path; fails as `fs.readFileSync` does. */
export type ReadPasteFile = (path: string) => Uint8Array;

/** Access to files by absolute path: their bytes, and their names in messages. */
export interface FileAccess {
  readonly readFile: ReadPasteFile;
  readonly nameOf: (path: string) => string;
}

/** A file that a caller names, and access to those that it includes. */
export interface OpenedPaste extends FileAccess {
  /** Absolute path. */
  readonly path: string;
  readonly document: PasteDocument;
}

/** Reads and parses the file; errors inside it are in the document's problems. */
export function openPaste(configPath: string, readFile: ReadPasteFile): OpenedPaste {
  const path = resolve(configPath);
  const access: FileAccess = {
    readFile,
    nameOf: isAbsolute(configPath) ? shownPath : (file) => relative('', file),
  };
  try {
    return { ...access, path, document: openDocument(path, access, isAbsolute(configPath) ? undefined : configPath) };
  } catch (error) {
    if (!(error instanceof PasteError) || error.code !== 'PORTICO_PASTE_NO_FILE') throw error;
    // Only a missing file may have been expected in another folder.
    const hint = error.hint && 'A relative path is relative to the working directory of the process.';
    throw new ConfigNotFound(error.code, { message: error.message, hint, cause: error.cause });
  }
}

/**
 * Reads and parses a file. Throws if it cannot be read or exceeds a limit; errors inside it are in `problems`, see {@link
 * firstRefusal}.
 */
export function openDocument(
  path: string,
  { readFile, nameOf }: FileAccess,
  name: string = nameOf(path),
): PasteDocument {
  let bytes: Uint8Array;
  try {
    bytes = readFile(path);
  } catch (error) {
    throw unreadable(error, name);
  }
  if (bytes.length > MAX_FILE_BYTES) throw tooMuch(`${name} has ${bytes.length} bytes, more than ${MAX_FILE_BYTES}`);
  const known = PARSED.get(bytes)?.deref();
  const document = known?.file === name ? known : readPaste(bytes, name);
  PARSED.set(bytes, new WeakRef(document));
  if (document.sections.size > MAX_SECTIONS) {
    throw tooMuch(`${name} has ${document.sections.size} sections, more than ${MAX_SECTIONS}`);
  }
  return document;
}

/** Documents by the bytes that a configuration keeps: while one is in use, its file is not parsed again. A large one takes megabytes. */
const PARSED = new WeakMap<Uint8Array, WeakRef<PasteDocument>>();

/** Returns the error for a file that cannot be read. */
export function unreadable(error: unknown, name: string): PasteError {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code === 'EISDIR') {
    const message = `${name} is a directory, not a paste file.`;
    return new PasteError('PORTICO_PASTE_IS_A_DIRECTORY', { message, cause: error });
  }
  const isMissing = code === 'ENOENT';
  const reason = isMissing ? 'there is no such file' : errorText(error);
  return new PasteError('PORTICO_PASTE_NO_FILE', {
    message: `${name} cannot be read: ${reason}.`,
    hint: isMissing ? 'A relative path after "config:" is relative to the file that contains it.' : undefined,
    cause: error,
  });
}

/**
 * Returns the error that refuses a file, if any: the first fatal problem, such as a duplicate or a missing header; otherwise one error
 * for all lines that are neither options nor headers.
 */
export function firstRefusal(problems: readonly PasteProblem[]): PasteError | undefined {
  const fatal = problems.find(({ kind }) => kind !== 'bad-line');
  const first = fatal ?? problems[0];
  if (first === undefined) return undefined;
  const error = problemError(first);
  if (fatal !== undefined || problems.length === 1) return error;
  const lines = problems.map(({ origin }) => origin.line);
  const others = lines.slice(1);
  const shown =
    others.length > 20 ? `${others.slice(0, 20).join(', ')} and ${others.length - 20} more` : others.join(', ');
  const which = others.length === 1 ? `so is line ${shown}` : `so are lines ${shown}`;
  const message = `${lineOf(first.subject)} is neither an option nor a section header; ${which}.`;
  return error.with({ message, lines });
}

/** Returns the exception for an error in a file: what is wrong, its location and the remedy. */
export function problemError({ kind, origin, subject, first }: PasteProblem): PasteError {
  const refused = (code: string, message: string, hint: string): PasteError =>
    new PasteError(code, { message, hint, origin, lines: [origin.line] });
  switch (kind) {
    case 'not-utf8': {
      const message = `${basename(origin.file)} is not UTF-8: the byte ${subject} is not valid here.`;
      return refused('PORTICO_PASTE_NOT_UTF8', message, 'Save the file as UTF-8.');
    }
    case 'no-section-header': {
      const hint = subject.startsWith('\ufeff')
        ? 'The file begins with a byte order mark (U+FEFF): save it as UTF-8 without one.'
        : 'Put a header such as [DEFAULT] or [app:main] above it.';
      return refused(
        'PORTICO_PASTE_NO_SECTION_HEADER',
        `${lineOf(subject)} comes before the first section header.`,
        hint,
      );
    }
    case 'bad-line': {
      const why = subject.startsWith('[')
        ? 'is not a section header: it has no name, or no "]".'
        : /^[=:]/.test(subject)
          ? `has no name before its "${subject[0]}".`
          : 'is neither an option nor a section header.';
      const hint = 'Write "name = value"; a line that continues a value is indented deeper than the first line.';
      return refused('PORTICO_PASTE_BAD_LINE', `${lineOf(subject)} ${why}`, hint);
    }
    case 'duplicate-section': {
      const message = `is repeated here; the first one is in line ${first?.line}.`;
      return refused('PORTICO_PASTE_DUPLICATE_SECTION', message, 'Merge the two, or rename one.');
    }
    case 'duplicate-option': {
      const message = `"${subject}" is set again here; the first one is in line ${first?.line}.`;
      return refused('PORTICO_PASTE_DUPLICATE_OPTION', message, 'Keep one of the two.');
    }
  }
}

/** Code of a header that is almost one. */
export const SPOILT_HEADER = 'PORTICO_PASTE_SPOILT_HEADER';

/** Names a line by what may be shown of it. */
function lineOf(shown: string): string {
  return shown === masked ? 'this line' : JSON.stringify(excerpt(shown));
}

/** Bytes of one file. */
const MAX_FILE_BYTES = 1_048_576;
/** Sections of one file. */
const MAX_SECTIONS = 10_000;
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
function tooMuch(message: string, origin?: Origin): PasteError {
  return new PasteLimit('PORTICO_PASTE_LIMIT', {
    message: `${message}.`,
    hint: 'This is a limit of the Loader, far above what a hand-written file needs.',
    origin,
  });
}
