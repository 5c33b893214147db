/** Locations in a file: origins of values and of parts of values, and of the first invalid byte. */
import { isUtf8 } from 'node:buffer';
import { StringDecoder } from 'node:string_decoder';
import type { Origin } from '../errors/index.js';

/** One line of a multi-line value: from `start` in the joined value, at `origin` in the file. */
export interface ValuePiece {
  /** Offset in the joined value, from 0. */
  readonly start: number;
  readonly origin: Origin;
}

/**
 * Returns the origin of `column` (from 1, in UTF-16 units) in line `line` with the text `text`. The result has no section and option if
 * they are unknown; messages show them as `[section] option:`.
 */
export function originAt(
  file: string,
  line: number,
  column: number,
  text: string,
  { section, option }: Pick<Origin, 'section' | 'option'> = {},
): Origin {
  // A file of 2,000 sections has 9,000 of them.
  if (option !== undefined) return { file, line, column, text, section, option };
  return section === undefined ? { file, line, column, text } : { file, line, column, text, section };
}

/**
 * Returns the origin of one character of a value: `offset` counts from 0 in the joined value, `pieces` are its lines in order. An offset
 * past the end gives the location after the last character.
 */
export function originWithin(pieces: readonly ValuePiece[], offset: number): Origin {
  const piece = pieces.findLast(({ start }) => start <= offset) ?? pieces[0];
  if (piece === undefined) throw new RangeError('a value has at least one piece');
  return { ...piece.origin, column: piece.origin.column + Math.max(0, offset - piece.start) };
}

/** Returns the origin of the name of an option by that of its value: a name begins its line. */
export function originOfName(value: Origin): Origin {
  return { ...value, column: 1 };
}

/**
 * Decodes `bytes`; if a byte is invalid, returns the text before it, and in `bad` the byte and its location: line and column from 1, columns
 * in UTF-16 units. A byte order mark is kept as a character.
 */
export function decodeUtf8(bytes: Uint8Array) {
  const decoded = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  if (isUtf8(bytes)) return { text: decoded };
  // Invalid sequences are decoded to U+FFFD. The bytes before the first one are unchanged, except for the start of that character.
  const back = Buffer.from(decoded);
  const same = bytes.findIndex((byte, at) => byte !== back[at]);
  const text = new StringDecoder('utf8').write(Buffer.from(bytes.subarray(0, same < 0 ? bytes.length : same)));
  const lines = text.split(/\r\n|\n|\r/);
  const byte = bytes[Buffer.byteLength(text)]!;
  return { text, bad: { line: lines.length, column: lines.at(-1)!.length + 1, byte } };
}

// Lines that are kept after their file has been parsed.

/**
 * Returns a copy of a line: V8 keeps the whole text of which a line is a slice. It copies what is joined once a part of that is asked for; a copy
 * by way of bytes takes a fifth of the time to read a file.
 */
export function keptLine(line: string): string {
  return ` ${line}`.slice(1);
}

// White space as in Python's string methods and configparser. JavaScript's `trim()` and `\s` differ: they lack U+001C to U+001F and
// U+0085, and include U+FEFF.

/** Characters for which Python's `str.isspace` is true; all are in the basic multilingual plane. */
const SPACE = String.raw`\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000`;
const AT_START = new RegExp(`^[${SPACE}]*`);
const LAST = new RegExp(`[^${SPACE}][${SPACE}]*$`);
const WORD = new RegExp(`[^${SPACE}]+`, 'g');

/** Returns the number of white-space characters at the start of `text`. */
export function indentOf(text: string): number {
  return AT_START.exec(text)![0].length;
}

/** Returns `text` without trailing white space. */
export function stripEnd(text: string): string {
  return text.slice(0, text.search(LAST) + 1);
}

/** Returns `text` without surrounding white space. */
export function strip(text: string): string {
  return stripEnd(text.slice(indentOf(text)));
}

/** A word of a value and its offset, from 0. */
export interface Word {
  readonly text: string;
  readonly start: number;
}

/** Splits a value into words at white space. */
export function wordsOf(text: string): Word[] {
  return [...text.matchAll(WORD)].map(({ 0: word, index }) => ({ text: word, start: index }));
}
