/** Words for a POSIX shell, in commands that are shown or written. */

/** Returns a text as a word, in single quotes only where it needs them. */
export function shellWord(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
