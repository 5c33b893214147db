/**
 * Reads service configuration in the dialect of oslo.config, with the location of every value.
 *
 * UTF-8 (a byte order mark is skipped); lines end at LF or CR LF. `#` and `;` begin a comment in the first column only; there are no
 * comments after a value. A line that begins with a space or tab continues the value above, joined with a newline; a blank line ends the
 * value. One pair of quotes around a whole value is removed.
 */
import { isUtf8 } from 'node:buffer';
import { type Diagnostic, type Location, locationInFile, type Origin } from '../errors/index.js';
import { maskUnread, maskUris, withoutText } from '../text/index.js';
import { decodeUtf8, keptLine, originAt, type ValuePiece } from './position.js';

/** An assignment `name = value`. */
export interface ConfEntry {
  /** In lower case, because section names are case-insensitive; except `DEFAULT`. */
  readonly section: string;
  /** With `_` for `-`, because the two are equivalent. */
  readonly name: string;
  readonly value: string;
  /** True if the value was in quotes. */
  readonly quoted: boolean;
  /** Start of the value, with section and option as written. */
  readonly origin: Origin;
  /** Start of each line of the value. */
  readonly pieces: readonly ValuePiece[];
}

/** A section header; a section may have several. */
export interface ConfSection {
  readonly name: string;
  readonly origin: Origin;
}

/** A parsed configuration file, in file order. */
export interface ConfFile {
  readonly sections: readonly ConfSection[];
  readonly entries: readonly ConfEntry[];
  /** Errors in lines, at most {@link mostProblems}; reading continues after each. Possible secrets in them are masked. */
  readonly problems: readonly Diagnostic[];
}

/** Maximum number of reported lines with errors in one file. */
export const mostProblems = 20;

/** Reads a file's content. Never throws: errors are in `problems`. `file` is used only for locations. */
export function readConf(file: string, content: Uint8Array | string): ConfFile {
  const reader = new ConfReader(file);
  const text = typeof content === 'string' ? content : new TextDecoder('utf-8', { ignoreBOM: true }).decode(content);
  if (typeof content !== 'string') reader.checkEncoding(content);
  const lines = text.replace(/^\uFEFF/, '').split('\n');
  for (const [index, line] of lines.entries()) reader.line(index + 1, line.replace(/\r$/, ''));
  reader.endValue();
  const { sections, entries, problems } = reader;
  const lineOf = ({ location }: Diagnostic): number => location!.origin!.line;
  return { sections, entries, problems: problems.toSorted((a, b) => lineOf(a) - lineOf(b)) };
}

/** Returns a section's name for comparison: in lower case, except `DEFAULT`. */
export function sectionKey(name: string): string {
  return name === 'DEFAULT' ? name : name.toLowerCase();
}

/** Returns an option's name for comparison: with `_` for `-`. */
export function optionKey(name: string): string {
  return name.replaceAll('-', '_');
}

interface OpenValue {
  readonly section: string;
  readonly name: string;
  value: string;
  readonly pieces: ValuePiece[];
}

class ConfReader {
  readonly #file: string;
  readonly sections: ConfSection[] = [];
  readonly entries: ConfEntry[] = [];
  readonly problems: Diagnostic[] = [];
  /** As written; undefined before the first header. */
  #section: string | undefined;
  #open: OpenValue | undefined;
  /** True if the line above was refused, so that its continuation lines are not reported too. */
  #refused = false;

  constructor(file: string) {
    this.#file = file;
  }

  line(number: number, text: string): void {
    if (text.trim() === '') {
      this.endValue();
      this.#refused = false;
    } else if (/^[ \t]/.test(text)) {
      this.#continue(number, keptLine(text));
    } else {
      this.endValue();
      this.#refused = false;
      if (text.startsWith('[')) this.#header(number, keptLine(text));
      else if (!/^[#;]/.test(text)) this.#assignment(number, keptLine(text));
    }
  }

  endValue(): void {
    const open = this.#open;
    this.#open = undefined;
    if (open === undefined) return;
    const { section, name, value, pieces } = open;
    const [first, ...more] = pieces;
    const quoted = standsInQuotes(value);
    const shift = quoted ? 1 : 0;
    const origin = { ...first!.origin, column: first!.origin.column + shift };
    this.entries.push({
      section: sectionKey(section),
      name: optionKey(name),
      value: quoted ? value.slice(1, -1) : value,
      quoted,
      origin,
      // Without the opening quote the value begins one character later in the file, and later lines one character earlier in the value.
      pieces: [{ start: 0, origin }, ...more.map((each) => ({ ...each, start: each.start - shift }))],
    });
  }

  /** Reports invalid bytes line by line, so that the other lines can still be checked. */
  checkEncoding(content: Uint8Array): void {
    // Nearly all files are valid, and a decoder for each of 800 lines would cost 1.3 ms and 0.35 MiB of garbage.
    if (isUtf8(content)) return;
    const lax = new TextDecoder('utf-8', { ignoreBOM: true });
    for (let start = 0, number = 1; start < content.length; number++) {
      const end = content.indexOf(0x0a, start);
      const line = content.subarray(start, end < 0 ? content.length : end);
      const { bad } = decodeUtf8(line);
      if (bad !== undefined) {
        const read = lax.decode(line);
        const shown = /^[ \t]/.test(read) ? withoutText(read) : maskUnread(read);
        const location = this.#location(number, bad.column, shown);
        this.#refuse('not valid UTF-8', location, 'save the file as UTF-8');
      }
      start += line.length + 1;
    }
  }

  #continue(number: number, text: string): void {
    const value = text.trim();
    const column = text.indexOf(value) + 1;
    if (this.#open === undefined) {
      const location = this.#location(number, column, withoutText(text));
      const hint = 'a line that begins with white space continues the value above: start it in the first column';
      if (!this.#refused) this.#refuse('unexpected continuation line', location, hint);
      return;
    }
    const owner = { section: this.#open.section, option: this.#open.name };
    const origin = originAt(this.#file, number, column, text, owner);
    this.#open.pieces.push({ start: this.#open.value.length + 1, origin });
    this.#open.value += `\n${value}`;
  }

  #header(number: number, text: string): void {
    const header = text.trimEnd();
    const closed = header.endsWith(']');
    // Of `[api:shop] # shop` the section that is meant.
    const end = closed ? -1 : header.indexOf(']');
    const name = header.slice(1, end === -1 && !closed ? undefined : end).trim();
    // Errors of a header do not belong to the previous section.
    this.#section = undefined;
    if (name === '' && header.includes(']')) {
      this.#refuse('empty section name', this.#location(number, 1, maskUnread(text)), EMPTY_NAME);
    } else if (!closed) {
      const location = this.#location(number, header.length, maskUnread(text));
      const written = maskUris(`[${name}]`);
      const isComment = /^\s*[#;]/.test(header.slice(end + 1));
      const hint = isComment ? `put the comment on a separate line, and write ${written} here` : `write ${written}`;
      this.#refuse('invalid section (must end with ])', location, hint);
    }
    // Also after an error, because the following lines are not meant for the previous section.
    this.#section = name;
    const origin = originAt(this.#file, number, 1, text, { section: name });
    if (name !== '') this.sections.push({ name: sectionKey(name), origin });
  }

  #assignment(number: number, text: string): void {
    const delimiter = text.search(/[:=]/);
    if (delimiter < 0 || isBase64(text)) {
      this.#refuse("no ':' or '=' found in assignment", this.#location(number, 1, withoutText(text)), NO_NAME);
      return;
    }
    const name = text.slice(0, delimiter).trim();
    const value = text.slice(delimiter + 1).trim();
    const column = value === '' ? delimiter + 2 : text.indexOf(value, delimiter + 1) + 1;
    if (name === '') {
      this.#refuse('key cannot be empty', this.#location(number, 1, maskUnread(text)));
    } else if (this.#section === undefined) {
      this.#refuse('section must be started before assignment', this.#location(number, 1, maskUnread(text)));
    } else if (this.#section !== '') {
      const origin = originAt(this.#file, number, column, text, { section: this.#section, option: name });
      this.#open = { section: this.#section, name, value, pieces: [{ start: 0, origin }] };
    }
  }

  /** `text`: the part of the line that may be shown. */
  #location(number: number, column: number, text: string): Location {
    return locationInFile(originAt(this.#file, number, column, text, { section: this.#section }));
  }

  #refuse(message: string, location: Location, hint?: string): void {
    this.#refused = true;
    if (this.problems.length >= mostProblems) return;
    const { section, text } = location.origin!;
    const [severity, code] = ['error', 'PORTICO_CONFIG_SYNTAX'] as const;
    this.problems.push({ severity, code, section, location, message, got: text?.trim(), hint });
  }
}

const EMPTY_NAME = 'write a name between the brackets, such as [DEFAULT]; without one, the options below are not read';

const NO_NAME = 'write name = value; the line is not shown, because it may be a secret without its name';

/** Reports whether a line is a key as tools print it: its last characters are padding (RFC 4648 §4), and no delimiter. */
function isBase64(text: string): boolean {
  const line = text.trimEnd();
  return line.length % 4 === 0 && /^(?=.*[a-z])(?=.*[A-Z])(?=.*\d)[\w+/-]{18,}={1,2}$/.test(line);
}

/** Reports whether one pair of quotes encloses the whole value: `"a", "b"` is two quoted items and keeps its quotes. */
function standsInQuotes(value: string): boolean {
  const quote = value[0];
  return value.length >= 2 && (quote === '"' || quote === "'") && value.indexOf(quote, 1) === value.length - 1;
}
