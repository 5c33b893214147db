/**
 * The dialect of service configuration, as oslo.config reads it, with the place of every value.
 *
 * UTF-8 (a byte order mark is skipped), lines end at LF or CR LF. `#` and `;` begin a comment in the first column only;
 * nothing is a comment behind a value. A line that begins with a blank or tab continues the value above it, joined with
 * a newline; a blank line ends the value. One pair of quotes around a whole value is taken away.
 */
import { isUtf8 } from 'node:buffer';
import type { Origin } from '../errors/index.js';
import { originAt, type ValuePiece } from './position.js';
import { decodeUtf8 } from './utf8.js';

/** One `name = value`. */
export interface ConfEntry {
  /** In lower case, because sections compare without case; `DEFAULT` alone is upper case. */
  readonly section: string;
  /** With `_` for every `-`: they are the same. */
  readonly name: string;
  readonly value: string;
  /** The value stood in quotes. */
  readonly quoted: boolean;
  /** Where the value begins. Section and option are as written. */
  readonly origin: Origin;
  /** Where each line of the value begins. */
  readonly pieces: readonly ValuePiece[];
}

/** A header; a section may have several. */
export interface ConfSection {
  readonly name: string;
  readonly origin: Origin;
}

const MESSAGES = {
  'not-utf8': 'not valid UTF-8',
  'stray-continuation': 'unexpected continuation line',
  'open-header': 'invalid section (must end with ])',
  'no-section-name': 'empty section name',
  'no-assignment': "no ':' or '=' found in assignment",
  'no-key': 'key cannot be empty',
  'no-section': 'section must be started before assignment',
} as const;

/** What is wrong with a line. */
export type ConfProblemKind = keyof typeof MESSAGES;

/** A line that cannot be read; reading goes on after it. */
export interface ConfProblem {
  readonly kind: ConfProblemKind;
  readonly message: string;
  readonly origin: Origin;
}

/** A file of service configuration, in its own order. */
export interface ConfFile {
  readonly file: string;
  readonly sections: readonly ConfSection[];
  readonly entries: readonly ConfEntry[];
  /** At most {@link mostProblems}. */
  readonly problems: readonly ConfProblem[];
}

/** How many bad lines of one file are reported. */
export const mostProblems = 20;

/** Reads a file's content. Never throws: what cannot be read is in `problems`. `file` is only for the origins. */
export function readConf(file: string, content: Uint8Array | string): ConfFile {
  const reader = new ConfReader(file);
  const text = typeof content === 'string' ? content : new TextDecoder('utf-8', { ignoreBOM: true }).decode(content);
  if (typeof content !== 'string') reader.checkEncoding(content);
  const lines = text.replace(/^\uFEFF/, '').split('\n');
  for (const [index, line] of lines.entries()) reader.line(index + 1, line.replace(/\r$/, ''));
  reader.endValue();
  return { file, sections: reader.sections, entries: reader.entries, problems: sorted(reader.problems) };
}

/** A section's name as it is compared: in lower case, except `DEFAULT`. */
export function sectionKey(name: string): string {
  return name === 'DEFAULT' ? name : name.toLowerCase();
}

/** An option's name as it is compared: with `_` for `-`. */
export function optionKey(name: string): string {
  return name.replaceAll('-', '_');
}

interface OpenValue {
  readonly name: string;
  readonly lines: string[];
  readonly pieces: ValuePiece[];
}

class ConfReader {
  readonly #file: string;
  readonly sections: ConfSection[] = [];
  readonly entries: ConfEntry[] = [];
  readonly problems: ConfProblem[] = [];
  /** As written; undefined before the first header. */
  #section: string | undefined;
  #open: OpenValue | undefined;
  /** The line above was refused: what continues it is no second mistake. */
  #refused = false;

  constructor(file: string) {
    this.#file = file;
  }

  line(number: number, text: string): void {
    if (text.trim() === '') {
      this.endValue();
      this.#refused = false;
    } else if (/^[ \t]/.test(text)) {
      this.#continue(number, text);
    } else {
      this.endValue();
      this.#refused = false;
      if (text.startsWith('[')) this.#header(number, text);
      else if (!/^[#;]/.test(text)) this.#assignment(number, text);
    }
  }

  endValue(): void {
    const open = this.#open;
    this.#open = undefined;
    const first = open?.pieces[0];
    if (open === undefined || first === undefined || this.#section === undefined) return;
    const written = open.lines.join('\n');
    const quoted = standsInQuotes(written);
    const shift = quoted ? 1 : 0;
    this.entries.push({
      section: sectionKey(this.#section),
      name: optionKey(open.name),
      value: quoted ? written.slice(1, -1) : written,
      quoted,
      origin: { ...first.origin, column: first.origin.column + shift },
      // Without its opening quote the value begins one character later in the file, and every later line one earlier.
      pieces: open.pieces.map(({ start, origin }, index) =>
        index === 0
          ? { start, origin: { ...origin, column: origin.column + shift } }
          : { start: start - shift, origin },
      ),
    });
  }

  /** One bad byte spoils its line only; the lines around it can still be judged. */
  checkEncoding(content: Uint8Array): void {
    // Nearly all files are right, and a decoder for each of 800 lines is 1.3 ms and 0.35 MiB of garbage.
    if (isUtf8(content)) return;
    const lax = new TextDecoder('utf-8', { ignoreBOM: true });
    for (let start = 0, number = 1; start < content.length; number++) {
      const end = content.indexOf(0x0a, start);
      const line = content.subarray(start, end < 0 ? content.length : end);
      const { bad } = decodeUtf8(line);
      if (bad !== undefined) this.#refuse('not-utf8', number, bad.column, lax.decode(line));
      start += line.length + 1;
    }
  }

  #continue(number: number, text: string): void {
    const value = text.trim();
    const column = text.indexOf(value) + 1;
    if (this.#open === undefined) {
      if (!this.#refused) this.#refuse('stray-continuation', number, column, text);
      this.#refused = true;
      return;
    }
    const start = this.#open.lines.join('\n').length + 1;
    const owner = { section: this.#section, option: this.#open.name };
    this.#open.lines.push(value);
    this.#open.pieces.push({ start, origin: originAt(this.#file, number, column, text, owner) });
  }

  #header(number: number, text: string): void {
    const header = text.trimEnd();
    const closed = header.endsWith(']');
    const name = header.slice(1, closed ? -1 : undefined).trim();
    if (!closed) this.#refuse('open-header', number, header.length, text);
    else if (name === '') this.#refuse('no-section-name', number, 1, text);
    // Also after a mistake: what follows was meant for this section and not for the one before.
    this.#section = name;
    const origin = originAt(this.#file, number, 1, text, { section: name });
    if (name !== '') this.sections.push({ name: sectionKey(name), origin });
  }

  #assignment(number: number, text: string): void {
    const delimiter = text.search(/[:=]/);
    if (delimiter < 0) {
      this.#refuse('no-assignment', number, 1, text);
      return;
    }
    const name = text.slice(0, delimiter).trim();
    const value = text.slice(delimiter + 1).trim();
    const column = value === '' ? delimiter + 2 : text.indexOf(value, delimiter + 1) + 1;
    if (name === '') {
      this.#refuse('no-key', number, 1, text);
    } else if (this.#section === undefined) {
      this.#refuse('no-section', number, 1, text);
    } else if (this.#section !== '') {
      const origin = originAt(this.#file, number, column, text, { section: this.#section, option: name });
      this.#open = { name, lines: [value], pieces: [{ start: 0, origin }] };
    }
  }

  #refuse(kind: ConfProblemKind, number: number, column: number, text: string): void {
    this.#refused = true;
    if (this.problems.length >= mostProblems) return;
    const owner = this.#section === undefined ? {} : { section: this.#section };
    this.problems.push({ kind, message: MESSAGES[kind], origin: originAt(this.#file, number, column, text, owner) });
  }
}

/** One pair around the whole: `"a", "b"` is two quoted items and keeps all its quotes. */
function standsInQuotes(value: string): boolean {
  const quote = value[0];
  return value.length >= 2 && (quote === '"' || quote === "'") && value.indexOf(quote, 1) === value.length - 1;
}

function sorted(problems: readonly ConfProblem[]): ConfProblem[] {
  return problems.toSorted((a, b) => a.origin.line - b.origin.line);
}
