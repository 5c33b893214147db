/**
 * White space as Python's text methods and configparser see it. JavaScript's `trim()` and `\s` differ: they lack
 * U+001C to U+001F and U+0085, and they count U+FEFF.
 */

/** True for a UTF-16 unit that Python's `str.isspace` counts as white space; none lies beyond the basic plane. */
export function isSpace(unit: number): boolean {
  if (unit <= 0x20) return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d) || (unit >= 0x1c && unit <= 0x1f);
  if (unit < 0xa0) return unit === 0x85;
  if (unit === 0xa0 || unit === 0x1680) return true;
  if (unit < 0x2000) return false;
  return unit <= 0x200a || unit === 0x2028 || unit === 0x2029 || unit === 0x202f || unit === 0x205f || unit === 0x3000;
}

/** How many white-space characters `text` begins with. */
export function indentOf(text: string): number {
  let start = 0;
  while (start < text.length && isSpace(text.charCodeAt(start))) start++;
  return start;
}

/** `text` without white space at its end. */
export function stripEnd(text: string): string {
  let end = text.length;
  while (end > 0 && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(0, end);
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

/** The words of a value: what stands between runs of white space. */
export function wordsOf(text: string): Word[] {
  const words: Word[] = [];
  let start = -1;
  for (let at = 0; at <= text.length; at++) {
    const blank = at === text.length || isSpace(text.charCodeAt(at));
    if (!blank && start < 0) start = at;
    if (blank && start >= 0) {
      words.push({ text: text.slice(start, at), start });
      start = -1;
    }
  }
  return words;
}
