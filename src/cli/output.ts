/** How commands print what they found: as JSON or as text, in columns. */
import { relative } from 'node:path';
import type { Origin } from '../errors/index.js';
import { printable, printableJson, printableLines } from '../text/index.js';

/** Prints a document, or the text that stands for it; control characters, which may be of others, as escapes. */
export function print(args: { readonly json?: boolean }, document: unknown, text: () => string): void {
  const printed = args.json === true ? printableJson(JSON.stringify(document, undefined, 2)) : printableLines(text());
  process.stdout.write(`${printed}\n`);
}

/** Rows with their columns aligned; a line end in a cell, which may be of others, makes no further row. */
export function columns(table: readonly (readonly string[])[]): string[] {
  const rows = table.map((row) => row.map(printable));
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
