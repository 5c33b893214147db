/**
 * Text of clients and files, for a terminal and for lines of a log: what moves a cursor, ends a line, or turns the
 * direction of what follows is escaped.
 */

/** Controls (C0, DEL, C1), half pairs, separators of lines, and what sets the direction of text (UAX #9). */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
/** The same in text of several lines. */
const UNPRINTABLE_IN_LINES = /(?![\n\t])[\p{Cc}\p{Cs}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** As one line: a line end is `\n`, any other such character `\u009b`. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, escaped);
}

/** As one line, in the escapes of JSON alone: a line end is `\u000a`. */
export function escapedText(text: string): string {
  return text.replace(UNPRINTABLE, unicodeEscape);
}

/** As several lines: line ends and tabs stay. */
export function printableLines(text: string): string {
  return text.replace(UNPRINTABLE_IN_LINES, escaped);
}

/** Characters that JSON leaves raw: DEL, C1, and separators and marks of direction. */
const RAW_IN_JSON = /[\u007f-\u009f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** A line of JSON with the characters that it leaves unescaped escaped: the same JSON, fit for a terminal. */
export function printableJson(line: string): string {
  // Nearly all lines are ASCII, which Node knows at once.
  if (Buffer.byteLength(line) === line.length && !line.includes('\u007f')) return line;
  return line.replace(RAW_IN_JSON, unicodeEscape);
}

function escaped(character: string): string {
  return character === '\n' ? String.raw`\n` : unicodeEscape(character);
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
