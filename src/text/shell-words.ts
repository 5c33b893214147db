/** Words for a POSIX shell, in commands that are shown or written. */

/** Returns a text in single quotes. */
export function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** Returns a path as a word, in quotes only where it needs them. */
export function shellWord(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : shellQuoted(path);
}
