/**
 * White space as in Python's string methods and configparser. JavaScript's `trim()` and `\s` differ: they lack U+001C to U+001F and
 * U+0085, and include U+FEFF.
 */

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
