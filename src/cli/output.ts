/** How commands print what they found: as JSON or as text, in columns. */
import { relative } from 'node:path';
import type { Origin } from '../errors/index.js';

/** Prints a document, or the text that stands for it. */
export function print(args: { readonly json?: boolean }, document: unknown, text: () => string): void {
  process.stdout.write(`${args.json === true ? JSON.stringify(document, undefined, 2) : text()}\n`);
}

/** Rows with their columns aligned. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}

/** File and line, as seen from the working directory; `-` for what stands in no file. */
export function placeText(origin: Origin | undefined): string {
  return origin === undefined ? '-' : `${relative('', origin.file)}:${origin.line}`;
}
