/** How commands print what they found: as JSON or as text, in columns. */

/** Prints a document, or the text that stands for it. */
export function print(given: { readonly json?: boolean }, document: unknown, text: () => string): void {
  process.stdout.write(`${given.json === true ? JSON.stringify(document, undefined, 2) : text()}\n`);
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
