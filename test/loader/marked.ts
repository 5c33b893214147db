/** Files with the place of a mistake marked in their text. */

/** The mark: it stands just before the character a mistake is expected at. */
export const MARK = '▸';

/** The files without marks, and where the marks stood, in the order of the files. */
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
