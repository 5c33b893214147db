/** Lists of diagnostics: their order, and their text. A module that cannot be loaded may have many places; its reason is printed once. */
import { type Diagnostic, printDiagnostic } from './diagnostic.js';

/** Reports whether a diagnostic is an error, not a warning. */
export function isError({ severity }: Diagnostic): boolean {
  return severity === 'error';
}

/** Formats all diagnostics, one after another; at the end, the line that leaves names without an owner to other programs. */
export function printDiagnostics(diagnostics: readonly Diagnostic[], options?: { showLine: boolean }): string {
  const lines = reasonsOnce(diagnostics).map((each) => printDiagnostic(each, options));
  const others = new Set(diagnostics.flatMap((each) => each.others ?? []));
  if (others.size > 0) {
    const replaced = diagnostics.find(({ othersReplace }) => othersReplace !== undefined)?.othersReplace;
    const where = replaced === undefined ? '[DEFAULT]' : `[DEFAULT], in place of ${replaced}`;
    lines.push(
      `If these names belong to other programs, write in ${where}:\n  other_names = ${[...others].join(', ')}`,
    );
  }
  return lines.join('\n');
}

const CANNOT = ' cannot be loaded: ';

/** Returns the message of a module that exists and cannot be loaded. */
export function loadFailure(module: string, reason: string): string {
  return `${JSON.stringify(module)}${CANNOT}${reason}`;
}

/** Shortens diagnostics to one line whose module cannot be loaded for the reason of an earlier one. */
function reasonsOnce(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const told = new Set<string>();
  return diagnostics.map((each) => {
    const at = each.message.indexOf(CANNOT) + CANNOT.length;
    if (at < CANNOT.length) return each;
    const reason = each.message.slice(at);
    if (!told.has(reason)) {
      told.add(reason);
      return each;
    }
    const { severity, code, section, option, message } = each;
    const place = each.place && { kind: each.place.kind, detail: each.place.detail };
    return { severity, code, place, section, option, message: `${message.slice(0, at)}as above` };
  });
}

/**
 * Sorts diagnostics by file, line and column, and drops duplicates. The files in `first` come first (undefined: diagnostics without a
 * file), then the others in the order of appearance. By default, diagnostics without a file come first.
 */
export function inOrder(
  diagnostics: readonly Diagnostic[],
  first: readonly (string | undefined)[] = [undefined],
): Diagnostic[] {
  const once = [...new Map(diagnostics.map((each) => [told(each), each])).values()];
  const files = [...new Set([...first, ...once.map(({ place }) => place?.origin?.file)])];
  const rank = ({ place }: Diagnostic): readonly [number, number, number] => {
    const { file, line = 0, column = 0 } = place?.origin ?? {};
    return [files.indexOf(file), line, column];
  };
  return once.sort((a, b) => {
    const [before, after] = [rank(a), rank(b)];
    return before[0] - after[0] || before[1] - after[1] || before[2] - after[2];
  });
}

/** Returns all that is printed of a diagnostic, unformatted: a list may have thousands. */
function told({ severity, place, section, option, message, got, hint, note }: Diagnostic): string {
  const said = [severity, place?.kind, place?.detail, section, option, message, got, hint, note];
  return said.join('\0');
}
