/**
 * Lines that are kept after their file has been parsed.
 */

/** Returns a copy of a line. V8 keeps the whole text of which a line is a slice. */
export function keptLine(line: string): string {
  const copy = Buffer.from(line).toString();
  // A copy would lose half a surrogate pair, which only a program can write.
  return copy === line ? copy : line;
}
