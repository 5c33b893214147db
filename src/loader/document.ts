/**
 * A paste file on disk, read and parsed, and the errors of both.
 */
import { basename } from 'node:path';
import { errorText, type Origin } from '../errors/index.js';
import { type PasteDocument, type PasteProblem, readPaste } from '../ini/index.js';
import { MAX_FILE_BYTES, MAX_SECTIONS, tooMuch } from './limits.js';
import { type PasteError, type PasteErrorDetails, refuse } from './paste-error.js';

/** Gives the bytes of a file by its absolute path; fails as `fs.readFileSync` does. */
export type ReadFile = (path: string) => Uint8Array;

/**
 * The parsed file. `name` is how messages call it. Throws when it cannot be read; what is wrong inside it is in
 * `problems`, see {@link firstRefusal}.
 */
export function openDocument(path: string, name: string, readFile: ReadFile): PasteDocument {
  let bytes: Uint8Array;
  try {
    bytes = readFile(path);
  } catch (error) {
    throw unreadable(error, name);
  }
  if (bytes.length > MAX_FILE_BYTES) throw tooMuch(`${name} has ${bytes.length} bytes, more than ${MAX_FILE_BYTES}`);
  const document = readPaste(bytes, name);
  if (document.sections.size > MAX_SECTIONS) {
    throw tooMuch(`${name} has ${document.sections.size} sections, more than ${MAX_SECTIONS}`);
  }
  return document;
}

function unreadable(error: unknown, name: string): PasteError {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code === 'EISDIR') {
    return refuse('is-a-directory', { message: `${name} is a folder, not a paste file.`, cause: error });
  }
  const reason = code === 'ENOENT' ? 'there is no such file' : errorText(error);
  return refuse('no-file', {
    message: `${name} cannot be read: ${reason}.`,
    hint: 'A relative path after "config:" begins in the folder of the file it stands in.',
    cause: error,
  });
}

/**
 * The error a file is refused with, if any: the first duplicate or missing header, which ends the reading; otherwise
 * all lines that are neither options nor headers, together.
 */
export function firstRefusal(problems: readonly PasteProblem[]): PasteError | undefined {
  const fatal = problems.find(({ kind }) => kind !== 'bad-line');
  if (fatal !== undefined) return refuse(fatal.kind, problemDetails(fatal));
  const [first] = problems;
  if (first === undefined) return undefined;
  const lines = problems.map(({ origin }) => origin.line);
  if (lines.length === 1) return refuse('bad-line', { ...problemDetails(first), lines });
  const shown = lines.length > 20 ? `${lines.slice(0, 20).join(', ')} and ${lines.length - 20} more` : lines.join(', ');
  const message = `${cited(first.subject)} is neither an option nor a section header; so are lines ${shown}.`;
  return refuse('bad-line', { ...problemDetails(first), message, lines });
}

/** What is wrong, where, and what to do about it. */
export function problemDetails({ kind, origin, subject, first }: PasteProblem): PasteErrorDetails & { origin: Origin } {
  const lines = [origin.line];
  switch (kind) {
    case 'not-utf8':
      return {
        message: `${basename(origin.file)} is not UTF-8: the byte ${subject} cannot stand here.`,
        hint: 'Save the file as UTF-8.',
        origin,
        lines,
      };
    case 'no-section-header': {
      const mark = subject.startsWith('\ufeff');
      return {
        message: `${cited(subject)} stands before the first section header.`,
        hint: mark
          ? 'The file begins with a byte order mark (U+FEFF): save it as UTF-8 without one.'
          : 'Put a header such as [DEFAULT] or [app:main] above it.',
        origin,
        lines,
      };
    }
    case 'bad-line':
      return {
        message: subject.startsWith('[')
          ? `${cited(subject)} is not a section header: it has no name, or no "]".`
          : /^[=:]/.test(subject)
            ? `${cited(subject)} has no name before its "${subject[0]}".`
            : `${cited(subject)} is neither an option nor a section header.`,
        hint: 'Write "name = value"; a line that continues a value is indented deeper than the line that begins it.',
        origin,
        lines,
      };
    case 'duplicate-section':
      return {
        message: `stands here for the second time; the first is in line ${first?.line}.`,
        hint: 'Merge the two, or rename one.',
        origin,
        lines,
      };
    case 'duplicate-option':
      return {
        message: `"${subject}" is set for the second time; the first is in line ${first?.line}.`,
        hint: 'Keep one of the two.',
        origin,
        lines,
      };
  }
}

function cited(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
