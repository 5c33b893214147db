/** Files with marks in their text at the locations of errors. */

/** The mark: the next character is the location of the expected error. */
export const MARK = '▸';

/** Returns the files without marks, and the locations of the marks in the order of the files. */
export function unmarked(files: Readonly<Record<string, string>>): {
  files: Record<string, string>;
  places: { file: string; line: number; column: number }[];
} {
  const plain: Record<string, string> = {};
  const places: { file: string; line: number; column: number }[] = [];
  for (const [file, text] of Object.entries(files)) {
    const lines = text.split('\n');
    for (const [at, line] of lines.entries()) {
      for (
        let column = line.indexOf(MARK), before = 0;
        column >= 0;
        column = line.indexOf(MARK, column + 1), before++
      ) {
        places.push({ file, line: at + 1, column: column + 1 - before });
      }
    }
    plain[file] = text.replaceAll(MARK, '');
  }
  return { files: plain, places };
}
