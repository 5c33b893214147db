/**
 * Reads paste files exactly as Python's configparser does for PasteDeploy, with the location of every name, value and line of a value.
 *
 * Never throws: errors are listed in `problems`, and reading continues, so that all of them can be reported.
 */
import type { Origin } from '../errors/index.js';
import { maskUnread } from '../text/index.js';
import { decodeUtf8, indentOf, keptLine, originAt, strip, stripEnd, type ValuePiece } from './position.js';

/** An option. Its value is the stripped lines joined with newlines, before interpolation. */
export interface PasteOption {
  readonly name: string;
  /** Location of the name. */
  readonly origin: Origin;
  readonly value: string;
  /** Location of each line of the value. */
  readonly pieces: readonly ValuePiece[];
}

/** A section, in file order. Names are compared exactly; spaces in them are kept. */
export interface PasteSection {
  readonly name: string;
  /** Location of the header; for `[DEFAULT]`, of the first one. */
  readonly origin: Origin;
  readonly options: ReadonlyMap<string, PasteOption>;
}

/** An error for which a file is refused. */
export interface PasteProblem {
  readonly kind: 'not-utf8' | 'no-section-header' | 'bad-line' | 'duplicate-section' | 'duplicate-option';
  readonly origin: Origin;
  /** The section, option or byte concerned; of a line what may be shown of it. */
  readonly subject: string;
  /** For a duplicate: the location of the first. */
  readonly first?: Origin;
}

/** A parsed file. Uses maps, because names may be `__proto__` or `17`, and to keep the order. */
export interface PasteDocument {
  /** The name passed to {@link readPaste}; used in all origins. */
  readonly file: string;
  /** All `[DEFAULT]` sections combined; undefined if there are none. */
  readonly defaults: PasteSection | undefined;
  readonly sections: ReadonlyMap<string, PasteSection>;
  /** In the order of detection. */
  readonly problems: readonly PasteProblem[];
}

interface OpenOption extends PasteOption {
  value: string;
  readonly pieces: ValuePiece[];
}

interface OpenSection extends PasteSection {
  readonly options: Map<string, PasteOption>;
}

/** Reads a paste file. `file` is the name for origins. */
export function readPaste(bytes: Uint8Array | string, file: string): PasteDocument {
  if (typeof bytes === 'string') return new PasteReading(file).read(bytes);
  const decoded = decodeUtf8(bytes);
  if (decoded.bad === undefined) return new PasteReading(file).read(decoded.text);
  const { line, column, byte } = decoded.bad;
  const origin = originAt(file, line, column, '');
  const subject = `0x${byte.toString(16).padStart(2, '0')}`;
  return { file, defaults: undefined, sections: new Map(), problems: [{ kind: 'not-utf8', origin, subject }] };
}

/** The state of the reader; follows the rules of configparser's `_read`. */
class PasteReading {
  readonly #file: string;
  readonly #sections = new Map<string, OpenSection>();
  readonly #problems: PasteProblem[] = [];
  #defaults: OpenSection | undefined;
  #section: OpenSection | undefined;
  #option: OpenOption | undefined;
  /** Blank lines since the last piece of the current value; they count only if the value continues. */
  #blankLines = 0;
  /** Indentation of the first line of the current option. */
  #measure = 0;

  constructor(file: string) {
    this.#file = file;
  }

  read(text: string): PasteDocument {
    let line = 0;
    for (const raw of text.split(/\r\n|\n|\r/)) this.#line(raw, ++line);
    return { file: this.#file, defaults: this.#defaults, sections: this.#sections, problems: this.#problems };
  }

  #line(read: string, line: number): void {
    const indent = indentOf(read);
    const first = read[indent];
    if (first === undefined) {
      this.#blankLines++;
      return;
    }
    if (first === '#' || first === ';') return;
    const raw = keptLine(read);
    const text = stripEnd(raw.slice(indent));
    if (this.#option !== undefined && this.#option.name !== '' && indent > this.#measure) {
      this.#continue(this.#option, text, line, indent + 1, raw);
      return;
    }
    this.#measure = indent;
    const close = first === '[' ? text.lastIndexOf(']') : -1;
    if (close > 1) this.#header(text.slice(1, close), line, indent + 1, raw);
    else this.#optionLine(text, line, indent + 1, raw);
  }

  #continue(option: OpenOption, text: string, line: number, column: number, raw: string): void {
    const owner = { section: option.origin.section, option: option.name };
    const origin = originAt(this.#file, line, column, raw, owner);
    option.value += '\n'.repeat(this.#blankLines + 1);
    option.pieces.push({ start: option.value.length, origin });
    option.value += text;
    this.#blankLines = 0;
  }

  #header(name: string, line: number, column: number, raw: string): void {
    const origin = originAt(this.#file, line, column, raw, { section: name });
    this.#option = undefined;
    if (name === 'DEFAULT') {
      this.#defaults ??= { name, origin, options: new Map() };
      this.#section = this.#defaults;
      return;
    }
    this.#section = { name, origin, options: new Map() };
    const first = this.#sections.get(name);
    if (first === undefined) this.#sections.set(name, this.#section);
    else this.#problems.push({ kind: 'duplicate-section', origin, subject: name, first: first.origin });
  }

  #optionLine(text: string, line: number, column: number, raw: string): void {
    const section = this.#section;
    if (section === undefined) {
      const reported = this.#problems.some(({ kind }) => kind === 'no-section-header');
      const origin = originAt(this.#file, line, column, maskUnread(raw));
      if (!reported) this.#problems.push({ kind: 'no-section-header', origin, subject: maskUnread(text) });
      return;
    }
    const delimiter = text.search(/[=:]/);
    if (delimiter < 1) {
      const origin = originAt(this.#file, line, column, maskUnread(raw), { section: section.name });
      this.#problems.push({ kind: 'bad-line', origin, subject: maskUnread(text) });
      if (delimiter < 0) return;
    }
    const name = stripEnd(text.slice(0, delimiter));
    const owner = { section: section.name, option: name };
    const origin = originAt(this.#file, line, column, raw, owner);
    const value = strip(text.slice(delimiter + 1));
    const valueColumn = column + delimiter + 1 + indentOf(text.slice(delimiter + 1));
    const pieces = [{ start: 0, origin: originAt(this.#file, line, valueColumn, raw, owner) }];
    this.#option = { name, origin, value, pieces };
    this.#blankLines = 0;
    const first = section.options.get(name);
    if (first === undefined) section.options.set(name, this.#option);
    else this.#problems.push({ kind: 'duplicate-option', origin, subject: name, first: first.origin });
  }
}
