/**
 * What `check` finds: errors and warnings with their places, as data and as text.
 */
import { ConfigError, type ConfigIssue, placeOf } from '../../config/index.js';
import { ConfigurationRefused, type Origin } from '../../errors/index.js';
import { PasteError } from '../paste-error.js';

/** One mistake, or something that looks like one. */
export interface Finding {
  /** An error refuses the file; a warning does not. */
  readonly severity: 'error' | 'warning';
  /** `PORTICO_PASTE_…`, or `PORTICO_CONFIG_…` for the options of a factory. */
  readonly code: string;
  readonly file: string;
  /** 1 where the whole file is meant; 0 where it stands in no file, and `file` says in words where, or is empty. */
  readonly line: number;
  readonly column: number;
  readonly section?: string | undefined;
  readonly option?: string | undefined;
  /** What is wrong, without the place. */
  readonly message: string;
  readonly hint?: string | undefined;
  /** A line for `[portico:aliases]` that would help, once its target is filled in. */
  readonly proposal?: string | undefined;
  /** The text of the line, for the caret under the mistake. */
  readonly text?: string | undefined;
}

/** Collects findings, each once. */
export class Findings {
  readonly #found = new Map<string, Finding>();
  /** What a mistake is: a warning where nothing leads to under this configuration. */
  severity: Finding['severity'] = 'error';

  /** Any error that a load or a factory's options gave; `file` where it has no place of its own. */
  error(error: unknown, file: string): void {
    if (error instanceof ConfigError) {
      for (const issue of error.issues) this.#issue(issue, file);
      return;
    }
    if (error instanceof PasteError) {
      const { code, sentence, hint, proposal, origin } = error;
      this.#add({ severity: this.severity, code, ...placed(origin, file), message: sentence, hint, proposal });
      return;
    }
    if (error instanceof ConfigurationRefused) {
      const { code, sentence, hint, origin } = error;
      const finding = { severity: this.severity, code, ...placed(origin, file), message: sentence, hint };
      // One option may name several things that cannot be had.
      this.#add(finding, sentence);
      return;
    }
    const message = error instanceof Error ? error.message : String(error);
    this.#add({ severity: this.severity, code: 'PORTICO_PASTE_FACTORY_FAILED', ...placed(undefined, file), message });
  }

  warning(code: string, origin: Origin | undefined, file: string, message: string, hint?: string): void {
    this.#add({ severity: 'warning', code, ...placed(origin, file), message, hint });
  }

  /** A filter that nothing leads to; left out where a mistyped name was probably meant to. */
  unused(name: string, origin: Origin): void {
    const meant = `Did you mean "${name}"`;
    if ([...this.#found.values()].some(({ hint }) => hint?.includes(meant))) return;
    this.warning('PORTICO_PASTE_UNUSED_SECTION', origin, origin.file, 'nothing leads to this filter.');
  }

  /** All findings, by place. */
  sorted(): Finding[] {
    const files = [...new Set([...this.#found.values()].map(({ file }) => file))];
    return [...this.#found.values()].sort(
      (a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column,
    );
  }

  #issue({ severity, code, location, group, opt, message, got, hint }: ConfigIssue, file: string): void {
    const place =
      location === undefined || location.origin !== undefined
        ? placed(location?.origin, file)
        : { file: placeOf(location), line: 0, column: 0 };
    const written = got === undefined ? '' : `; got ${got}`;
    const lowered = severity === 'error' ? this.severity : severity;
    this.#add({
      severity: lowered,
      code,
      section: group,
      option: opt,
      ...place,
      message: `${message}${written}`,
      hint,
    });
  }

  /** `told`: what tells it from others of its code and place. */
  #add(finding: Finding, told = finding.line === 1 ? finding.message : ''): void {
    const { code, file, line, column, section, option } = finding;
    const key = JSON.stringify([code, file, line, column, section, option, told]);
    if (!this.#found.has(key)) this.#found.set(key, finding);
  }
}

/** One line as compilers write it, and the hint on a line of its own. */
export function findingText({ severity, file, line, column, section, option, message, hint }: Finding): string {
  const header = section === undefined ? '' : ` [${section}]`;
  const name = option === undefined ? '' : ` ${option}:`;
  const place = line > 0 ? `${file}:${line}:${column}: ` : file === '' ? '' : `${file}: `;
  const text = `${place}${severity}:${header}${name} ${message}`;
  return hint === undefined || hint === '' ? text : `${text}\n  ${hint}`;
}

/** The lines that findings propose for `[portico:aliases]`, as a block to paste; undefined when there are none. */
export function aliasBlock(findings: readonly Finding[]): string | undefined {
  const lines = new Set(findings.flatMap(({ proposal }) => proposal ?? []));
  if (lines.size === 0) return undefined;
  return ['[portico:aliases]', 'python =', ...[...lines].map((line) => `    ${line}`)].join('\n');
}

function placed(origin: Origin | undefined, file: string) {
  if (origin === undefined) return { file, line: 1, column: 1 };
  const { line, column, section, option, text } = origin;
  return {
    file: origin.file,
    line,
    column,
    ...(section === undefined ? {} : { section }),
    ...(option === undefined ? {} : { option }),
    ...(text === undefined ? {} : { text }),
  };
}
