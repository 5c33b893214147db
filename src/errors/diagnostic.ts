/**
 * A report to an operator, as data: it is gathered in lists, crosses the channel between processes, and is printed here.
 */
import { relative } from 'node:path';
import { looksSecret, maskUris, printable, printableLines } from '../text/index.js';

/** A place in a file: where a section, an option, a value or one word of it is. Counted from 1, in UTF-16 units. */
export interface Origin {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly section?: string | undefined;
  readonly option?: string | undefined;
  /** The text of the line, for the caret under the mistake. */
  readonly text?: string | undefined;
}

/** A place in a file or elsewhere. `detail` describes it in words an operator knows. */
export interface Place {
  readonly kind: 'default' | 'set_default' | 'override' | 'file' | 'environment' | 'command_line' | 'source';
  /** `portico.ini:3:8`, the name of the variable, the argument's number, the name of the source. */
  readonly detail: string;
  /** The place in the file, for `file` and `source`. */
  readonly origin?: Origin | undefined;
}

/** One mistake, or something that looks like one. Plain data, which can be cloned. */
export interface Diagnostic {
  /** Errors refuse what they are about; warnings do not. */
  readonly severity: 'error' | 'warning';
  /** `PORTICO_` and a constant: stable, what tests and tools go by. */
  readonly code: string;
  readonly place?: Place | undefined;
  /** The section and the option it is about. */
  readonly section?: string | undefined;
  readonly option?: string | undefined;
  /** The mistake, without place and value. */
  readonly message: string;
  /** The value as written, `****` for a secret. */
  readonly got?: string | undefined;
  /** The remedy. */
  readonly hint?: string | undefined;
  /** A line of the file that would help, once it is filled in. */
  readonly proposal?: string | undefined;
  /** Codes of what an application did wrong, where that is the mistake: their pages explain it too. */
  readonly causes?: readonly string[] | undefined;
  /** One more line at the end: where in the application it came from. */
  readonly note?: string | undefined;
}

/** The place of an origin. */
export function placeInFile(origin: Origin, kind: 'file' | 'source' = 'file'): Place {
  return { kind, detail: `${origin.file}:${origin.line}:${origin.column}`, origin };
}

/** A place in words: `portico.ini:3:8`, `env PORTICO_WSGI__KEEP_ALIVE`, `command line, argument 2`; empty for a default. */
export function placeOf({ kind, detail }: Place): string {
  if (kind === 'default') return '';
  if (kind === 'environment') return `env ${detail}`;
  return kind === 'command_line' ? `command line, ${detail}` : detail;
}

/**
 * As compilers write it: `portico.ini:3:8: error: [wsgi] max_headers: should be an integer; got many`, the hint on a line of
 * its own, and the line of the file with a caret. `showLine: false`: without that line, for logs of one line each.
 */
export function printDiagnostic(diagnostic: Diagnostic, { showLine = true } = {}): string {
  const { severity, place, hint, note } = diagnostic;
  const text = sentenceOf(diagnostic, [`${severity}:`]);
  const lines = [printableLines(maskUris(hint === undefined || hint === '' ? text : `${text}\n  ${hint}`))];
  const marked = showLine ? markedLine(place?.origin) : undefined;
  if (marked !== undefined) lines.push(marked);
  if (note !== undefined) lines.push(`  ${printable(maskUris(note))}`);
  return lines.join('\n');
}

/** The same as the message of an exception: one line, without the severity. */
export function messageOf(diagnostic: Diagnostic): string {
  return printableLines(maskUris(sentenceOf(diagnostic, [])));
}

function sentenceOf(diagnostic: Diagnostic, severity: readonly string[]): string {
  const { place, section, option } = diagnostic;
  const where = place === undefined ? '' : printable(placeOf(place));
  const words = [
    where === '' ? [] : `${where}:`,
    severity,
    section === undefined ? [] : `[${printable(section)}]`,
    option === undefined ? [] : `${printable(option)}:`,
    messageWithValue(diagnostic),
  ];
  return words.flat().join(' ');
}

/** The mistake and the value that was written: `should be an integer; got many`. */
export function messageWithValue({ message, got }: Pick<Diagnostic, 'message' | 'got'>): string {
  if (got === undefined) return message;
  const shown = got.length > 200 ? `${got.slice(0, 200)}…` : got;
  return `${message}; got ${shown === '' ? "''" : printable(shown.replaceAll('\r\n', '\n'))}`;
}

/** All of them, one after the other. */
export function printDiagnostics(diagnostics: readonly Diagnostic[], options?: { showLine: boolean }): string {
  return diagnostics.map((each) => printDiagnostic(each, options)).join('\n');
}

/** The line of an origin and a caret under its column, indented; undefined where it is not known or holds a secret. */
export function markedLine(origin: Origin | undefined): string | undefined {
  if (!origin?.text || looksSecret(origin.option ?? '')) return undefined;
  const { column, text } = origin;
  // One for one, so that the caret is right; tabs stay, however wide a terminal shows them.
  const line = text.replace(/[^\t]/gu, (character) => (printable(character) === character ? character : '\ufffd'));
  return `    ${line}\n    ${text.slice(0, column - 1).replaceAll(/[^\t]/gu, ' ')}^`;
}

/**
 * Each once, file by file, by line and column; `first` come these files, undefined for what is in none, and then the
 * others as they are met. By default what is in no file comes first.
 */
export function inOrder(
  diagnostics: readonly Diagnostic[],
  first: readonly (string | undefined)[] = [undefined],
): Diagnostic[] {
  const once = [...new Map(diagnostics.map((each) => [printDiagnostic(each), each])).values()];
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

/** A file as messages name it: from the working directory, where it is below that. */
export function shownPath(path: string): string {
  const from = relative('', path);
  return from.startsWith('..') ? path : from;
}
