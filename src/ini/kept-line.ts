/**
 * Lines that outlast the reading of their file.
 */

/** Returns the same line in memory of its own. A line that was cut out of a text holds the whole text. */
export function keptLine(line: string): string {
  const copy = Buffer.from(line).toString();
  // Half a surrogate pair, which only a program can write, is lost in a copy.
  return copy === line ? copy : line;
}
