/**
 * Names of a list that were written with blanks between them.
 */

/** What to write instead of a name that is several with blanks between them, one of them `known`; else undefined. */
export function missingComma(name: string, known: readonly string[]): string | undefined {
  const words = name.split(/\s+/).filter((word) => word !== '');
  if (words.length < 2 || !words.some((word) => known.includes(word))) return undefined;
  return `A comma is missing: write ${words.join(', ')}.`;
}
