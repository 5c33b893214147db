/**
 * Errors as a user interface: what happened, where, and what to do about it.
 *
 * Every error Portico throws on purpose is a `PorticoError`. `code` is API and never changes; the text may improve at
 * any time, so tests and programs match on the code.
 */
import { maskUris, printableLines } from '../text/index.js';
import { type Diagnostic, messageOf, type Origin, placeInFile, printDiagnostics } from './diagnostic.js';

/** Parts of an error. */
export interface ErrorDetails {
  /** One sentence: what is wrong. Without position; that is put in front. */
  message: string;
  origin?: Origin | undefined;
  /** One sentence: what to do, with the nearest legal names where a name was not found. */
  hint?: string | undefined;
  cause?: unknown;
}

/** Parts of an error that stands for several mistakes. */
export interface DiagnosticsDetails {
  diagnostics: readonly Diagnostic[];
  /** Default: the diagnostics, printed. */
  message?: string | undefined;
  cause?: unknown;
}

/** The root of all errors Portico throws on purpose. Its message starts where a compiler's would: `file:line:column:`. */
export class PorticoError extends Error {
  /** `PORTICO_` and a constant; stable. */
  readonly code: string;
  readonly origin?: Origin;
  readonly hint?: string;
  readonly #sentence: string;
  readonly #diagnostics: readonly Diagnostic[];

  constructor(code: string, details: ErrorDetails | DiagnosticsDetails) {
    const { message, origin, hint, diagnostics, cause } = details as Partial<ErrorDetails> &
      Partial<DiagnosticsDetails>;
    const sentence =
      message === undefined ? printDiagnostics(diagnostics!, { showLine: false }) : printableLines(maskUris(message));
    const own = diagnosticOf(code, sentence, origin);
    super(messageOf(own), cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.#sentence = sentence;
    this.code = code;
    if (origin !== undefined) this.origin = origin;
    if (hint !== undefined) this.hint = printableLines(hint);
    this.#diagnostics = Object.freeze(diagnostics === undefined ? [{ ...own, hint: this.hint }] : [...diagnostics]);
  }

  /** The message without the place. */
  get sentence(): string {
    return this.#sentence;
  }

  /** The mistakes as data: several for an error that stands for several mistakes, else the error itself. */
  get diagnostics(): readonly Diagnostic[] {
    return this.#diagnostics;
  }

  /** The text for an operator: the message, and the hint on its own line. */
  describe(): string {
    return this.hint === undefined ? this.message : `${this.message}\n  ${this.hint}`;
  }
}

/** A configuration that was refused: the process ends with status 78 (EX_CONFIG of `sysexits.h`). */
export class ConfigurationRefused extends PorticoError {
  /** False where not the configuration but code that it names failed: that is a failed start, status 1. */
  get blamesConfiguration(): boolean {
    return true;
  }

  /** All that is wrong, each with its line. */
  override describe(): string {
    return printDiagnostics(this.diagnostics);
  }

  /** The text that `console.log` shows, and Node for an uncaught error: for an operator, without a stack. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.describe();
  }
}

/** The exit status that a service chose by throwing a `ServiceExit`; undefined for any other error. */
export function chosenStatus(error: unknown): number | undefined {
  const exit = error as { code?: unknown; exitCode?: unknown } | null | undefined;
  if (exit?.code !== 'PORTICO_SERVICE_EXIT') return undefined;
  const { exitCode } = exit;
  // Another error may have this code, with a number that no process can exit with.
  return Number.isInteger(exitCode) && (exitCode as number) >= 0 && (exitCode as number) <= 255
    ? (exitCode as number)
    : undefined;
}

/** The message of anything that was thrown. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The text for an operator of anything that was thrown; no stack trace for errors Portico throws on purpose. */
export function describeError(error: unknown): string {
  if (error instanceof PorticoError) return error.describe();
  if (error instanceof Error) return error.stack ?? error.message;
  return String(error);
}

/**
 * The names nearest to a mistyped one: edit distance at most 2 (a swap of neighbours counts one), nearest first, at
 * most three. Letter case and `-`/`_` cost nothing.
 */
export function nearestNames(word: string, candidates: Iterable<string>): string[] {
  const wanted = fold(word);
  const limit = wanted.length <= 4 ? 1 : 2;
  const found: { name: string; distance: number }[] = [];
  for (const name of candidates) {
    if (Math.abs(name.length - word.length) > limit) continue;
    const distance = editDistance(wanted, fold(name));
    if (distance <= limit) found.push({ name, distance });
  }
  return found
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ name }) => name);
}

/** `Did you mean "authtoken"?`, or undefined when nothing is near. */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  const names = nearestNames(word, candidates).map((name) => `"${name}"`);
  return names.length === 0 ? undefined : `Did you mean ${names.join(' or ')}?`;
}

/** The hint for a name that is not one of `names`: those that come near, else all of them behind `label`. */
export function nearestOrAll(word: string, names: Iterable<string>, label = 'There are'): string {
  // An iterator gives its names once.
  const all = [...names];
  return didYouMean(word, all) ?? `${label}: ${all.join(', ') || 'none'}.`;
}

/** A name in `options` that is not one of `known`: itself, and a hint with the nearest ones. Undefined when all are known. */
export function unknownOption(
  options: object,
  known: Iterable<string>,
): { readonly name: string; readonly hint: string } | undefined {
  const names = [...known];
  const name = Object.keys(options).find((candidate) => !names.includes(candidate));
  return name === undefined ? undefined : { name, hint: nearestOrAll(name, names, 'Options') };
}

/**
 * Refuses options that do not exist, all at once, each with the names that come near: `what` is the object they are options of,
 * as `a Router`. For mistakes in code: they are shown with a stack. `elsewhere`: sentences for options of other programs.
 */
export function refuseUnknownOptions(
  code: string,
  what: string,
  options: object,
  known: Iterable<string>,
  elsewhere: ReadonlyMap<string, string> = new Map(),
): void {
  const names = [...known];
  // One that is undefined is as one that is left out.
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

/** The error with a code: for mistakes in code, which are a `TypeError` or a `RangeError`. */
export function withCode<E extends Error>(error: E, code: string): E & { readonly code: string } {
  return Object.assign(error, { code });
}

/** An object that is no list. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value in words, for a message: `undefined`, `null`, `a list`, `an object`, `the number 5`, `the text "x"`. */
export function whatItIs(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'function') return 'a function';
  return typeof value === 'string'
    ? `the text ${JSON.stringify(value)}`
    : `the ${typeof value} ${String(value as number | boolean | bigint | symbol)}`;
}

function diagnosticOf(code: string, message: string, origin: Origin | undefined): Diagnostic {
  const { section, option } = origin ?? {};
  const place = origin && placeInFile(origin);
  return { severity: 'error', code, place, section, option, message };
}

function fold(name: string): string {
  return name.toLowerCase().replaceAll('-', '_');
}

/** Optimal string alignment: insertions, deletions, substitutions, and swaps of neighbours. */
function editDistance(a: string, b: string): number {
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
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}

/** The result of the work; undefined where it throws. For files and values whose mistakes are reported where they are used. */
export function ignoreErrors<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
