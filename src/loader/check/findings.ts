/**
 * What `check` finds: errors and warnings with their places.
 */
import { type Diagnostic, errorText, inOrder, type Origin, PorticoError, placeInFile } from '../../errors/index.js';

/** Collects findings, each once. */
export class Findings {
  readonly #found = new Map<string, Diagnostic>();
  /** What is judged now is not chosen by this configuration: its mistakes are warnings. */
  unchosen = false;
  /** No enabled API leads to what is judged now: likewise. */
  unreached = false;

  /** Whether mistakes of what is judged now refuse anything. */
  get counts(): boolean {
    return !this.unchosen && !this.unreached;
  }

  /** Any error that a load or a factory's options gave; `file` where it has no place of its own. */
  error(error: unknown, file: string): void {
    if (error instanceof PorticoError) {
      for (const each of error.diagnostics) this.diagnostic(each, file);
      return;
    }
    const message = errorText(error);
    this.diagnostic({ severity: 'error', code: 'PORTICO_PASTE_FACTORY_FAILED', message }, file);
  }

  diagnostic(diagnostic: Diagnostic, file: string): void {
    const place = diagnostic.place ?? placeInFile({ file, line: 1, column: 1 });
    const refuses = diagnostic.severity === 'error' && this.counts;
    this.#add({ ...diagnostic, place, severity: refuses ? 'error' : 'warning' }, diagnostic.severity === 'error');
  }

  warning(code: string, origin: Origin | undefined, file: string, message: string, hint?: string): void {
    const { section, option } = origin ?? {};
    const place = origin && placeInFile(origin);
    this.diagnostic({ severity: 'warning', code, place, section, option, message, hint }, file);
  }

  /** A filter that nothing leads to; left out where a mistyped name was probably meant to. */
  unused(name: string, origin: Origin): void {
    const meant = `Did you mean "${name}"`;
    if ([...this.#found.values()].some(({ hint }) => hint?.includes(meant))) return;
    this.warning('PORTICO_PASTE_UNUSED_SECTION', origin, origin.file, 'nothing leads to this filter.');
  }

  /** All findings, by place; `read`: the files in the order in which they were read. */
  sorted(read: readonly string[]): Diagnostic[] {
    const found = [...this.#found.values()];
    const inFiles = read.flatMap((file) => found.filter(({ place }) => place?.origin?.file === file));
    return inOrder([...inFiles, ...found]);
  }

  #add(diagnostic: Diagnostic, mistake: boolean): void {
    const { code, place, section, option, message } = diagnostic;
    // An error of one place may be met on several ways, in other words; of a whole file there may be several.
    const told = place?.origin?.line === 1 || !code.startsWith('PORTICO_PASTE_') ? message : '';
    const key = JSON.stringify([code, place?.detail, section, option, told]);
    if (this.#found.has(key)) return;
    const why = mistake && this.unreached ? ' (no enabled API leads here)' : '';
    this.#found.set(key, { ...diagnostic, message: `${message}${why}` });
  }
}

/** The lines that findings propose for `[portico:aliases]`, as a block to paste; undefined when there are none. */
export function aliasBlock(findings: readonly Diagnostic[]): string | undefined {
  const lines = new Set(findings.flatMap(({ proposal }) => proposal ?? []));
  if (lines.size === 0) return undefined;
  return ['[portico:aliases]', 'python =', ...[...lines].map((line) => `    ${line}`)].join('\n');
}
