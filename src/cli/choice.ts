/** Options of the command line that are one of a few words. */
import { didYouMean, PorticoError } from '../errors/index.js';

/** A parser that takes these words and nothing else; a wrong one is a usage error with the nearest. */
export function choice<T extends string>(option: string, words: readonly T[]): (text: string) => T {
  return (text) => {
    const found = words.find((word) => word === text);
    if (found !== undefined) return found;
    throw new PorticoError('PORTICO_USAGE', {
      message: `${option} cannot be ${JSON.stringify(text)}`,
      hint: didYouMean(text, words) ?? `It is one of ${words.join(', ')}.`,
    });
  };
}
