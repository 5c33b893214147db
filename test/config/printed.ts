/** Findings as they are printed, with names in place of paths, and without the line of the file. */
import { type Diagnostic, printDiagnostic, shownPath } from '../../dist/errors/index.js';

/** Returns each finding as printed: its file is `p.ini`, and the project `FOLDER`. */
export function printed(found: readonly Diagnostic[], folder: string): readonly string[] {
  return found.map((each) =>
    printDiagnostic(each)
      .replace(/\n {4}.*\n *\^$/, '')
      .replaceAll(/\S*\/p\d+\.ini/g, 'p.ini')
      .replaceAll(/in node_modules of .*?, or above/g, 'in node_modules of FOLDER, or above')
      .replaceAll(folder, 'FOLDER')
      .replaceAll(shownPath(folder), 'FOLDER'),
  );
}
