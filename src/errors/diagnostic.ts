/**
 * Diagnostics: errors and warnings for an operator as plain data, which can be collected, sent between processes and printed, and lists of
 * them in their order.
 */
import { relative } from 'node:path';
import { excerpt, looksSecret, maskUris, printable, printableLines } from '../text/index.js';

/** A location in a file: of a section, an option, a value or a word in it. Line and column count from 1, columns in UTF-16 units. */
export interface Origin {
  /** Path of the file. */
  readonly file: string;
  /** Line, from 1. */
  readonly line: number;
  /** Column, from 1, in UTF-16 units. */
  readonly column: number;
  /** Section that has the option, without brackets. */
  readonly section?: string | undefined;
  /** Name of the option. */
  readonly option?: string | undefined;
  /** The text of the line, to print above the caret. */
  readonly text?: string | undefined;
}

/** The source of a value, in a file or elsewhere. `detail` describes it for an operator. */
export interface Location {
  readonly kind: 'default' | 'set_default' | 'override' | 'file' | 'environment' | 'command_line';
  /** A location such as `portico.ini:3:8`, a variable's name, or an argument's number. */
  readonly detail: string;
  /** The location in the file, for `file`. */
  readonly origin?: Origin | undefined;
}

/** An error or warning. Plain data, which can be cloned. */
export interface Diagnostic {
  /** Errors refuse their subject, such as a configuration; warnings do not. */
  readonly severity: 'error' | 'warning';
  /** A stable constant with the prefix `PORTICO_`, for tests and tools. */
  readonly code: string;
  readonly location?: Location | undefined;
  /** The section and option concerned. */
  readonly section?: string | undefined;
  readonly option?: string | undefined;
  /** The problem, without location and value. */
  readonly message: string;
  /** The end of the message, if it says why a module cannot be loaded: a list says it once. */
  readonly reason?: string | undefined;
  /** The value as written; `****` for a secret. */
  readonly got?: string | undefined;
  /** How to fix the problem. */
  readonly hint?: string | undefined;
  /** Of a name that nothing has: the nearest one, which was probably meant. */
  readonly meant?: string | undefined;
  /** A line for the file that would help, to be completed. */
  readonly proposal?: string | undefined;
  /** Of a name without an owner: true if code that is not loaded may own it. */
  readonly uncertain?: boolean | undefined;
  /** Of a name without an owner: names that belong to other applications, those of the configuration and this one, for its `other_names`. */
  readonly others?: readonly string[] | undefined;
  /** Of a name without an owner, if the configuration has `other_names`: what its new line replaces, such as `line 4 of portico.ini`. */
  readonly othersReplace?: string | undefined;
  /** Error codes of an application, if it caused the problem: their documentation also applies. */
  readonly causes?: readonly string[] | undefined;
  /** A last line: the location in the application's code, or that further errors may follow. */
  readonly note?: string | undefined;
}

/** Returns the location of an origin. */
export function locationInFile(origin: Origin): Location {
  return { kind: 'file', detail: `${origin.file}:${origin.line}:${origin.column}`, origin };
}

/** Formats a location: `portico.ini:3:8`, `env PORTICO_WSGI__KEEP_ALIVE`, `command line, argument 2`; empty for a default. */
export function locationText({ kind, detail }: Location): string {
  if (kind === 'default') return '';
  if (kind === 'environment') return `env ${detail}`;
  return kind === 'command_line' ? `command line, ${detail}` : detail;
}

/**
 * Formats a diagnostic like a compiler: `portico.ini:3:8: error: [wsgi] max_headers: should be an integer; got many`, then a line with
 * the hint, and the line of the file with a caret. `showLine: false` omits the line of the file, for logs.
 */
export function printDiagnostic(diagnostic: Diagnostic, { showLine = true } = {}): string {
  const { severity, location, hint, note } = diagnostic;
  const text = `${placeOf(diagnostic, severity)}${messageWithValue(diagnostic)}`;
  const lines = [printableLines(maskUris(hint === undefined || hint === '' ? text : `${text}\n  ${hint}`))];
  const marked = showLine ? markedLine(location?.origin) : undefined;
  if (marked !== undefined) lines.push(marked);
  if (note !== undefined) lines.push(`  ${printable(maskUris(note))}`);
  return lines.join('\n');
}

/** Formats the location, severity, section and option of a diagnostic, each with a space after it: its message follows. */
export function placeOf(
  { location, section, option }: Pick<Diagnostic, 'location' | 'section' | 'option'>,
  severity?: Diagnostic['severity'],
): string {
  const where = location === undefined ? '' : printable(locationText(location));
  const words = [
    where === '' ? [] : `${where}:`,
    severity === undefined ? [] : `${severity}:`,
    section === undefined ? [] : `[${printable(section)}]`,
    option === undefined ? [] : `${printable(option)}:`,
  ];
  return maskUris(
    words
      .flat()
      .map((word) => `${word} `)
      .join(''),
  );
}

/** Formats the message and the value as written: `should be an integer; got many`. */
export function messageWithValue({ message, got }: Pick<Diagnostic, 'message' | 'got'>): string {
  if (got === undefined) return message;
  const shown = got === '' ? "''" : printable(excerpt(got, 200).replaceAll('\r\n', '\n'));
  return `${message}; got ${shown}`;
}

/** Most characters of a line that are shown. */
const LONGEST_LINE = 240;

/** Returns the line of an origin and a caret under its column, indented; undefined if the line is unknown or may hold a secret. */
export function markedLine(origin: Origin | undefined): string | undefined {
  if (!origin?.text || looksSecret(origin.option ?? '')) return undefined;
  const whole = maskUris(origin.text);
  // Of a long line, what is around the column.
  const from = whole.length > LONGEST_LINE ? Math.max(0, origin.column - LONGEST_LINE / 2) : 0;
  const [before, rest] = [from > 0 ? '…' : '', whole.length > from + LONGEST_LINE ? '…' : ''];
  const text = before + whole.slice(from, from + LONGEST_LINE) + rest;
  const column = origin.column - from + before.length;
  // Character by character, so that the caret stays in place; tabs are kept, whatever their width in a terminal.
  const line = text.replace(/[^\t]/gu, (character) => (printable(character) === character ? character : '\ufffd'));
  return `    ${line}\n    ${text.slice(0, column - 1).replaceAll(/[^\t]/gu, ' ')}^`;
}

/** Formats a path for messages: relative to the working directory if the file is below it. */
export function shownPath(path: string): string {
  const from = relative('', path);
  return from.startsWith('..') ? path : from;
}

/** Reports whether a diagnostic is an error, not a warning. */
export function isError({ severity }: Diagnostic): boolean {
  return severity === 'error';
}

/** Formats all diagnostics, one after another; at the end, the line that leaves names without an owner to other applications. */
export function printDiagnostics(diagnostics: readonly Diagnostic[], options?: { showLine: boolean }): string {
  const lines = reasonsOnce(diagnostics).map((each) => printDiagnostic(each, options));
  const others = new Set(diagnostics.flatMap((each) => each.others ?? []));
  if (others.size > 0) {
    const replaced = diagnostics.find(({ othersReplace }) => othersReplace !== undefined)?.othersReplace;
    const where = replaced === undefined ? '[DEFAULT]' : `[DEFAULT], in place of ${replaced}`;
    lines.push(
      `If these names belong to other applications, write in ${where}:\n  other_names = ${[...others].join(', ')}`,
    );
  }
  return lines.join('\n');
}

/** Returns the message of a module that exists and cannot be loaded, and the reason at its end. */
export function loadFailure(module: string, reason: string): Required<Pick<Diagnostic, 'message' | 'reason'>> {
  return { message: `${JSON.stringify(module)} cannot be loaded: ${reason}`, reason };
}

/** Shortens diagnostics to one line whose module cannot be loaded for the reason of an earlier one. */
function reasonsOnce(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const told = new Set<string>();
  return diagnostics.map((each) => {
    const { severity, code, section, option, message, reason } = each;
    if (!reason || !message.endsWith(reason)) return each;
    if (!told.has(reason)) {
      told.add(reason);
      return each;
    }
    const location = each.location && { kind: each.location.kind, detail: each.location.detail };
    return { severity, code, location, section, option, message: `${message.slice(0, -reason.length)}as above` };
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
  const once = eachOnce(diagnostics);
  const files = [...new Set([...first, ...once.map(({ location }) => location?.origin?.file)])];
  const rank = ({ location }: Diagnostic): readonly [number, number, number] => {
    const { file, line = 0, column = 0 } = location?.origin ?? {};
    return [files.indexOf(file), line, column];
  };
  return once.sort((a, b) => {
    const [before, after] = [rank(a), rank(b)];
    return before[0] - after[0] || before[1] - after[1] || before[2] - after[2];
  });
}

/**
 * Joins lists of diagnostics, so that an error is reported once: at a location in a file, an error of an earlier list is more precise than one of a
 * later list, and than a warning of the same kind.
 */
export function whole(...lists: readonly (readonly Diagnostic[])[]): readonly Diagnostic[] {
  const places = new Set<string>();
  const all = lists.flatMap((list) => {
    const more = list.filter((each) => !isError(each) || !places.has(each.location?.detail ?? ''));
    for (const each of more) if (isError(each) && each.location?.origin !== undefined) places.add(each.location.detail);
    return more;
  });
  const kindOf = ({ code, location }: Diagnostic): string => `${code} ${location?.detail}`;
  const told = new Set(all.filter((each) => isError(each) && each.location?.origin !== undefined).map(kindOf));
  return all.filter((each) => isError(each) || !told.has(kindOf(each)));
}

/** A last line of an error that hides others. */
export const MORE_ERRORS = 'further errors may follow once this is fixed';

/** Drops duplicates: diagnostics that would be printed alike. */
export function eachOnce(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return [...new Map(diagnostics.map((each) => [told(each), each])).values()];
}

/** Returns all that is printed of a diagnostic, unformatted: a list may have thousands. */
function told({ severity, location, section, option, message, got, hint, note }: Diagnostic): string {
  const said = [severity, location?.kind, location?.detail, section, option, message, got, hint, note];
  return said.join('\0');
}
