/**
 * White space as Python's text methods and configparser see it. JavaScript's `trim()` and `\s` differ: they lack
 * U+001C to U+001F and U+0085, and they count U+FEFF.
 */

/** Characters that Python's `str.isspace` counts as white space; none lies beyond the basic plane. */
const SPACE = String.raw`\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000`;
const AT_START = new RegExp(`^[${SPACE}]*`);
const LAST = new RegExp(`[^${SPACE}][${SPACE}]*$`);
const WORD = new RegExp(`[^${SPACE}]+`, 'g');

/** How many white-space characters `text` begins with. */
export function indentOf(text: string): number {
  return AT_START.exec(text)![0].length;
}

/** `text` without white space at its end. */
export function stripEnd(text: string): string {
  return text.slice(0, text.search(LAST) + 1);
}

/** `text` without white space around it. */
export function strip(text: string): string {
  return stripEnd(text.slice(indentOf(text)));
}

/** One word of a value and its offset there, counted from 0. */
export interface Word {
  readonly text: string;
  readonly start: number;
}

/** The words of a value: what is between runs of white space. */
export function wordsOf(text: string): Word[] {
  return [...text.matchAll(WORD)].map(({ 0: word, index }) => ({ text: word, start: index }));
}
