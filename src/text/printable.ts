/**
 * Makes text from clients and files safe for a terminal and for log lines: escapes characters that move the cursor, end a line, or
 * change the text direction.
 */

/** Control characters (C0, DEL, C1), lone surrogates, line separators, and characters that set the text direction (UAX #9). */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
/** The same, for text with several lines. */
const UNPRINTABLE_IN_LINES = /(?![\n\t])[\p{Cc}\p{Cs}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/**
 * Escapes text for one line: a line feed as `
 * `, other such characters as in `\u009b`.
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, escaped);
}

/** Escapes text for one line, with escapes valid in JSON only: a line feed as `\u000a`. */
export function escapedText(text: string): string {
  return text.replace(UNPRINTABLE, unicodeEscape);
}

/** Escapes text for several lines: line feeds and tabs are kept. */
export function printableLines(text: string): string {
  return text.replace(UNPRINTABLE_IN_LINES, escaped);
}

/** Characters that JSON does not escape: DEL, C1, line separators and direction marks. */
const RAW_IN_JSON = /[\u007f-\u009f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Escapes these characters in a line of JSON: the same JSON value, safe for a terminal. */
export function printableJson(line: string): string {
  // Nearly all lines are ASCII, which is cheap to detect.
  if (Buffer.byteLength(line) === line.length && !line.includes('\u007f')) return line;
  return line.replace(RAW_IN_JSON, unicodeEscape);
}

function escaped(character: string): string {
  return character === '\n' ? String.raw`\n` : unicodeEscape(character);
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Formats a count with its noun: `1 worker`, `2 workers`. */
export function countText(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** Returns a text, or its first `most` characters and an ellipsis. */
export function excerpt(text: string, most = 80): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}

// Formatting of durations.

/** Formats seconds in a short readable form: `500ms`, `1.5s`, `2m5s`, `1h`, `3d2h`. */
export function formatDuration(seconds: number): string {
  if (seconds < 0) return `-${formatDuration(-seconds)}`;
  if (seconds < 1) return `${Math.round(seconds * 1000)}ms`;
  if (seconds < 60) return `${Math.round(seconds * 10) / 10}s`;
  let left = Math.round(seconds);
  const parts: string[] = [];
  for (const [unit, size] of [
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
    ['s', 1],
  ] as const) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0) parts.push(`${count}${unit}`);
  }
  return parts.slice(0, 2).join('');
}

/** Formats how long ago something was, to a tenth of a second: `0.4s ago`, `2m5s ago`. */
export function agoText(seconds: number): string {
  const past = Math.max(0, seconds);
  return `${past < 1 ? `${Math.round(past * 10) / 10}s` : formatDuration(past)} ago`;
}
