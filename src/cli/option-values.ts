/**
 * Values of options that commands take: one of a few words, a whole number.
 */
import { didYouMean, PorticoError } from '../errors/index.js';

/** A parser that takes these words and nothing else, and completion offers; a wrong one is a usage error with the nearest. */
export function choice<T extends string>(
  option: string,
  words: readonly T[],
): ((text: string) => T) & { readonly words: readonly T[] } {
  const parse = (text: string): T => {
    const found = words.find((word) => word === text);
    if (found !== undefined) return found;
    const message = `${option} is one of ${words.join(', ')}, not ${text}`;
    throw new PorticoError('PORTICO_USAGE', { message, hint: didYouMean(text, words) });
  };
  return Object.assign(parse, { words });
}

/** The example at the end of a command's help. */
export const example = (line: string): string => `\nExample:\n  ${line}`;

/** A parser of decimal digits, `min` or more; anything else is a usage error. */
export function wholeNumber(option: string, min = 0): (text: string) => number {
  return (text) => {
    if (/^\d{1,15}$/.test(text) && Number(text) >= min) return Number(text);
    const least = min === 0 ? '' : ` of at least ${min}`;
    throw new PorticoError('PORTICO_USAGE', { message: `${option} is a whole number${least}, not ${text}` });
  };
}
