/**
 * `%(name)s` and `%%`, resolved as by configparser's basic interpolation, and the errors of values that cannot be interpolated: with the
 * place of the `%`, the option, and the likely meaning.
 */
import { isSecret } from '../config/internal.js';
import { didYouMean } from '../errors/index.js';
import { originWithin, type PasteOption } from '../ini/index.js';
import { excerpt } from '../text/index.js';
import { firstNames, PasteError } from './paste-error.js';

/** A value to interpolate, and the meaning of its names. */
export interface Reading {
  readonly raw: string;
  /** The option of the value. */
  readonly name: string;
  /** Undefined for values that are not in a file. */
  readonly option: PasteOption | undefined;
  /** The name of the file in messages. */
  readonly file: string;
  /** The section whose names are used; `DEFAULT` if the option is read alone. */
  readonly section: string;
  /** Returns the raw value of an option by its exact name: from the section, then `[DEFAULT]`, then run-time values. */
  readonly lookup: (name: string) => string | undefined;
  /** Returns the names that can be looked up. */
  readonly names: () => string[];
  /** Called with the length of each piece of the result; may throw to stop. */
  readonly count: (length: number) => void;
}

/** Maximum length of a chain of values with a `%`, including the first value. */
const MAX_STEPS = 10;

/** A part of the result: its offset there, the offset in the raw value, and the option it comes from, if any. */
export interface InterpolatedPart {
  readonly start: number;
  readonly offset: number;
  readonly name?: string;
}

/** Returns the interpolated value. Throws a {@link PasteError}. */
export function interpolate(reading: Reading): string {
  return reading.raw.includes('%') ? expand(reading.raw, reading, START) : reading.raw;
}

/** Returns the source of each part of `interpolate`'s result, to locate errors in it. */
export function interpolatedParts(reading: Reading): InterpolatedPart[] {
  const parts: InterpolatedPart[] = [];
  let start = 0;
  for (const { offset, text, name } of tokensOf(reading.raw, reading, START)) {
    parts.push({ start, offset, ...(name === undefined ? {} : { name }) });
    start += (name === undefined ? text : interpolate({ ...reading, raw: reading.lookup(name) ?? '' })).length;
  }
  return parts;
}

/** Position in a chain of references. */
interface Progress {
  readonly steps: number;
  /** Offset in the first value; set inside a referenced value. */
  readonly at?: number;
  /** The names followed from there, in order. */
  readonly chain: readonly string[];
}

const START: Progress = { steps: 1, chain: [] };

interface Token {
  readonly offset: number;
  readonly text: string;
  readonly name?: string;
}

function expand(raw: string, reading: Reading, progress: Progress): string {
  let result = '';
  for (const { offset, text, name } of tokensOf(raw, reading, progress)) {
    const value = name === undefined ? text : reading.lookup(name);
    if (name === undefined || value?.includes('%') === false) {
      reading.count(value!.length);
      result += value;
      continue;
    }
    const next = { steps: progress.steps + 1, at: progress.at ?? offset, chain: [...progress.chain, name] };
    if (value === undefined) throw missing(name, reading, next.at, progress.chain);
    if (progress.steps >= MAX_STEPS) throw tooDeep(reading, next.at, next.chain);
    result += expand(value, reading, next);
  }
  return result;
}

/** Splits a value at its `%` into literal text and the names it refers to. */
function* tokensOf(raw: string, reading: Reading, { at, chain }: Progress): Generator<Token> {
  let from = 0;
  while (from < raw.length) {
    const percent = raw.indexOf('%', from);
    if (percent < 0) {
      yield { offset: from, text: raw.slice(from) };
      return;
    }
    if (percent > from) yield { offset: from, text: raw.slice(from, percent) };
    if (raw[percent + 1] === '%') {
      yield { offset: percent, text: '%' };
      from = percent + 2;
      continue;
    }
    const close = raw[percent + 1] === '(' ? raw.indexOf(')', percent) : -1;
    if (close <= percent + 2 || raw[close + 1] !== 's')
      throw badSyntax(raw.slice(percent), reading, at ?? percent, chain);
    yield { offset: percent, text: '', name: raw.slice(percent + 2, close) };
    from = close + 2;
  }
}

function badSyntax(rest: string, reading: Reading, at: number, chain: readonly string[]): PasteError {
  const message = isHidden(reading, chain)
    ? 'a "%" is followed by neither "%" nor "(name)s"'
    : rest.startsWith('%(')
      ? `"${excerpt(rest)}" is not a reference of the form %(name)s`
      : `"%" must be followed by "%" or "(", not by "${excerpt(rest)}"`;
  const hint = 'Write "%%" for a percent sign, "%(name)s" for the value of an option.';
  const whole = `${message}${readIn(reading)}${wayOf(chain)}`;
  return refused('PORTICO_PASTE_INTERPOLATION_SYNTAX', reading, at, whole, hint);
}

/** Reports whether a value must not be shown because it is a secret, or is reached through one. */
function isHidden({ name }: Reading, chain: readonly string[]): boolean {
  return [name, ...chain].some((each) => isSecret(each, undefined));
}

function missing(name: string, reading: Reading, at: number, before: readonly string[]): PasteError {
  const { section } = reading;
  const known = reading.names();
  const shown = `Known names: ${firstNames(known)}.`;
  const owners = section === 'DEFAULT' ? '[DEFAULT] does not have' : `neither [${section}] nor [DEFAULT] has`;
  const [written, hint] = isHidden(reading, before)
    ? ['a "%(…)s"', `Write "%%" for a percent sign. ${shown}`]
    : known.includes(`set ${name}`)
      ? [`"%(${name})s"`, `"set ${name}" sets a value in global_conf, which interpolation does not see.`]
      : [`"%(${name})s"`, didYouMean(name, known) ?? shown];
  const message = `${written}${readIn(reading)} refers to an option that ${owners}${wayOf(before)}`;
  return refused('PORTICO_PASTE_INTERPOLATION_MISSING', reading, at, message, hint);
}

function tooDeep(reading: Reading, at: number, chain: readonly string[]): PasteError {
  const names = [reading.name, ...chain];
  const isCircle = new Set(names).size < names.length;
  const hint = isCircle ? 'The references form a cycle.' : 'Shorten the chain of references.';
  const chained = names.map((name) => JSON.stringify(name)).join(' refers to ');
  const message = `the value${readIn(reading)} cannot be resolved in ${MAX_STEPS} steps: ${chained}`;
  return refused('PORTICO_PASTE_INTERPOLATION_DEPTH', reading, at, message, hint);
}

function wayOf(chain: readonly string[]): string {
  return chain.length === 0 ? '' : `, reached through ${chain.map((name) => JSON.stringify(name)).join(', ')}`;
}

/** Names the section that reads the value, if it is another one than that of the option. */
function readIn({ option, section }: Reading): string {
  return option === undefined || option.origin.section === section ? '' : `, read in [${section}],`;
}

/** `at`: offset of the `%` in the first value. */
function refused(code: string, reading: Reading, at: number, message: string, hint: string): PasteError {
  const { raw, name, option, file, section } = reading;
  const value = isSecret(name, undefined) ? '' : ` (the value is ${JSON.stringify(excerpt(raw))})`;
  if (option === undefined) {
    return new PasteError(code, {
      message: `${file}: [${section}] ${name}: ${message}${value}.`,
      hint: 'The value comes from the program or from the including file; double each "%" in it.',
    });
  }
  return new PasteError(code, { message: `${message}${value}.`, origin: originWithin(option.pieces, at), hint });
}
