/**
 * Errors as a user interface: what happened, where, and how to fix it.
 *
 * Every error that Portico throws deliberately is a `PorticoError`. `code` is API and never changes; the text may improve at any time,
 * so tests and applications match on the code.
 */
import { withSourceLines } from '../process/index.js';
import { maskUris, printableLines } from '../text/index.js';
import { type Diagnostic, locationInFile, type Origin, placeOf, printDiagnostics } from './diagnostic.js';

/** Parts of an error. */
export interface ErrorDetails {
  /** The problem in one sentence, without the location, which is prepended. */
  message: string;
  /** Place of the error, which precedes the message. Default: none. */
  origin?: Origin | undefined;
  /** How to fix it, in one sentence; for an unknown name with the nearest known names. */
  hint?: string | undefined;
  /** The end of the message, if it says why a module cannot be loaded. Default: that of the error behind this one. */
  reason?: string | undefined;
  /** The error behind this one. Default: none. */
  cause?: unknown;
}

/** Parts of an error with several diagnostics. */
export interface DiagnosticsDetails {
  /** The errors, in the order in which they are printed. */
  diagnostics: readonly Diagnostic[];
  /** Default: the formatted diagnostics. */
  message?: string | undefined;
  /** How to fix them, in one sentence. Default: none. */
  hint?: string | undefined;
  /** The error behind this one. Default: none. */
  cause?: unknown;
}

/**
 * The base class of all errors that Portico throws deliberately. Messages start with the location, like a compiler's:
 * `file:line:column:`.
 */
export class PorticoError extends Error {
  /** A stable constant with the prefix `PORTICO_`. */
  readonly code: string;
  /** File, line and column of the error, or the option; absent for an error without a location. */
  readonly origin?: Origin;
  /** The remedy in one sentence; absent if there is none to name. */
  readonly hint?: string;
  readonly #sentence: string;
  readonly #diagnostics: readonly Diagnostic[];

  constructor(code: string, details: ErrorDetails | DiagnosticsDetails) {
    const { message, origin, hint, reason, diagnostics, cause } = details as Partial<ErrorDetails> &
      Partial<DiagnosticsDetails>;
    const shown = (text: string): string => printableLines(maskUris(text));
    const sentence = message === undefined ? printDiagnostics(diagnostics!, { showLine: false }) : shown(message);
    const { section, option } = origin ?? {};
    const location = origin && locationInFile(origin);
    super(`${placeOf({ location, section, option })}${sentence}`, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.#sentence = sentence;
    this.code = code;
    if (origin !== undefined) this.origin = origin;
    if (hint !== undefined) this.hint = printableLines(hint);
    const why = reason === undefined ? reasonOf(cause) : shown(reason);
    const own = { code, location, section, option, message: sentence, ...(why !== undefined && { reason: why }) };
    this.#diagnostics = Object.freeze(diagnostics ?? [{ severity: 'error', ...own, hint: this.hint }]);
  }

  /** The message without the location. */
  get sentence(): string {
    return this.#sentence;
  }

  /** The problems as data: the given diagnostics, or one for the error itself. */
  get diagnostics(): readonly Diagnostic[] {
    return this.#diagnostics;
  }

  /** Returns the text for an operator: the message, and the hint on a separate line. */
  describe(): string {
    return this.hint === undefined ? this.message : `${this.message}\n  ${this.hint}`;
  }
}

/** An invalid command line: the process ends with status 2. */
export class UsageError extends PorticoError {
  constructor(message: string, hint?: string) {
    super('PORTICO_USAGE', { message, hint });
  }
}

/** A refused configuration: the process exits with status 78 (EX_CONFIG of `sysexits.h`). */
export class ConfigurationRefused extends PorticoError {
  /** False if code named by the configuration failed instead of the configuration itself: a failed start, status 1. */
  get blamesConfiguration(): boolean {
    return true;
  }

  /** Returns all problems, each with its line of the file. */
  override describe(): string {
    return printDiagnostics(this.diagnostics);
  }

  /** The text that `console.log` shows, and Node for an uncaught error: for an operator, without a stack. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.describe();
  }
}

/** Returns the exit status of a `ServiceExit`; undefined for any other error. */
export function chosenStatus(error: unknown): number | undefined {
  const exit = error as { code?: unknown; exitCode?: unknown } | null | undefined;
  if (exit?.code !== 'PORTICO_SERVICE_EXIT') return undefined;
  const { exitCode } = exit;
  // Another error may have this code, with an invalid exit status.
  return Number.isInteger(exitCode) && (exitCode as number) >= 0 && (exitCode as number) <= 255
    ? (exitCode as number)
    : undefined;
}

/** Returns the reason why the module of an error cannot be loaded, if it says one. */
export function reasonOf(error: unknown): string | undefined {
  return error instanceof PorticoError ? error.diagnostics[0]?.reason : undefined;
}

/** Returns the message of any thrown value. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Returns the text of any thrown value for an operator; without a stack trace for errors that Portico throws deliberately. */
export function describeError(error: unknown): string {
  if (error instanceof PorticoError) return error.describe();
  if (error instanceof Error) return withSourceLines(error.stack ?? error.message);
  return String(error);
}

/**
 * Returns the names nearest to a mistyped one, nearest first, at most three. The maximum edit distance is 1 for words of up to 4
 * characters, else 2, or `limit`; a swap of neighbors counts as 1. Letter case and `-`/`_` do not count.
 */
export function nearestNames(
  word: string,
  candidates: Iterable<string>,
  limit: number = fold(word).length <= 4 ? 1 : 2,
): string[] {
  const wanted = fold(word);
  const found: { name: string; distance: number }[] = [];
  for (const name of candidates) {
    if (Math.abs(name.length - word.length) > limit) continue;
    const distance = editDistance(wanted, fold(name), limit);
    if (distance <= limit) found.push({ name, distance });
  }
  return found
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ name }) => name);
}

/** Returns a hint such as `Did you mean "authtoken"?`; undefined if no name is near. */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  const names = nearestNames(word, candidates).map((name) => `"${name}"`);
  return names.length === 0 ? undefined : `Did you mean ${names.join(' or ')}?`;
}

/** The same as the end of a line, as for options: `did you mean 'workers'?`, with each name once. */
export function suggestion(word: string, candidates: Iterable<string>): string | undefined {
  const names = nearestNames(word, [...new Set(candidates)].sort()).map((name) => `'${name}'`);
  return names.length === 0 ? undefined : `did you mean ${names.join(' or ')}?`;
}

/** Returns a hint for an unknown name: the nearest of `names`, or all of them after `label`. */
export function nearestOrAll(word: string, names: Iterable<string>, label = 'There are'): string {
  // An iterator can be read only once.
  const all = [...names];
  return didYouMean(word, all) ?? `${label}: ${all.join(', ') || 'none'}.`;
}

/** Returns the first name in `options` that is not in `known`, with a hint; undefined if all are known. */
export function unknownOption(
  options: object,
  known: Iterable<string>,
): { readonly name: string; readonly hint: string } | undefined {
  const names = [...known];
  const name = Object.keys(options).find((candidate) => !names.includes(candidate));
  return name === undefined ? undefined : { name, hint: nearestOrAll(name, names, 'Options') };
}

/**
 * Throws an error for all unknown options, with the nearest known names. `what` describes the owner of the options, such as `a Router`.
 * For errors in code, so the error is shown with a stack. `elsewhere`: hints for options of other applications.
 */
export function refuseUnknownOptions(
  code: string,
  what: string,
  options: object,
  known: Iterable<string>,
  elsewhere: ReadonlyMap<string, string> = new Map(),
): void {
  const names = [...known];
  // An undefined option counts as absent.
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const unknown = given.map(([name]) => name).filter((name) => !names.includes(name));
  if (unknown.length === 0) return;
  const listed = unknown.map((name) => `"${name}"`).join(', ');
  const said = new Set(unknown.flatMap((name) => elsewhere.get(name) ?? []));
  const near = unknown.flatMap((name) => {
    if (elsewhere.has(name)) return [];
    const [nearest] = nearestNames(name, names);
    return nearest === undefined ? [] : [unknown.length === 1 ? `"${nearest}"` : `"${nearest}" for "${name}"`];
  });
  if (near.length > 0) said.add(`Did you mean ${near.join(', ')}?`);
  throw new PorticoError(code, {
    message: `${what} has no ${unknown.length === 1 ? 'option' : 'options'} ${listed}`,
    hint: [...said].join(' ') || `Options: ${names.join(', ')}.`,
  });
}

/** Adds a code to an error: for errors in code, as a `TypeError` or `RangeError`. */
export function withCode<E extends Error>(error: E, code: string): E & { readonly code: string } {
  return Object.assign(error, { code });
}

/** Reports whether a value is an object and not an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Describes a value for a message: `undefined`, `null`, `a list`, `an object`, `the number 5`, `the text "x"`. */
export function whatItIs(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'function') return 'a function';
  return typeof value === 'string'
    ? `the text ${JSON.stringify(value)}`
    : `the ${typeof value} ${String(value as number | boolean | bigint | symbol)}`;
}

function fold(name: string): string {
  return name.toLowerCase().replaceAll('-', '_');
}

/** Returns the optimal string alignment distance: insertions, deletions, substitutions, and swaps of neighbors; above `limit`, more than it. */
function editDistance(a: string, b: string, limit: number): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(row[j - 1]! + 1, last[j]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, beforeLast[j - 2]! + 1);
      }
      row.push(cost);
    }
    // No later row has a lower minimum.
    if (Math.min(...row) > limit) return limit + 1;
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}

/** Returns the result of the work; undefined if it throws. For files and values whose errors are reported where they are used. */
export function ignoreErrors<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

/** Calls a function that makes an error; its stack has at most this many frames. Without any, an error takes a tenth of the time. */
export function withFrames<T>(count: number, make: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = count;
  try {
    return make();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}
