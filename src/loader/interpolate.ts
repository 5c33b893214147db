/**
 * `%(name)s` and `%%`, as configparser's basic interpolation resolves them, and what is wrong with a value that cannot be
 * interpolated: where the `%` stands, which option was read, and what was meant.
 */
import { isSecret } from '../config/internal.js';
import { didYouMean } from '../errors/index.js';
import { originWithin, type PasteOption } from '../ini/index.js';
import { type PasteError, refuse } from './paste-error.js';

/** Finds the raw value of an option by its exact name: in the section, then in `[DEFAULT]`, then run-time values. */
export type Lookup = (name: string) => string | undefined;

/** Steps a chain of values that hold a `%` may have, the value read first included. */
const MAX_STEPS = 10;

/** What is wrong with a value, whatever option it is of. */
export class InterpolationProblem extends Error {
  readonly kind: 'missing' | 'syntax' | 'depth';
  /** Offset of the `%` in the value read first. */
  readonly offset: number;
  /** The names followed from there, in order; of `missing`, the last one is unknown. */
  readonly chain: readonly string[];

  constructor(kind: 'missing' | 'syntax' | 'depth', offset: number, chain: readonly string[], message: string) {
    super(message);
    this.kind = kind;
    this.offset = offset;
    this.chain = chain;
  }
}

/** A part of the result: from `start` there, made from `offset` of the raw value on, by way of option `name` if set. */
export interface InterpolatedPart {
  readonly start: number;
  readonly offset: number;
  readonly name?: string;
}

/**
 * The value with everything put in. `count` is called with the length of each piece, and may throw to stop.
 * Throws an {@link InterpolationProblem}.
 */
export function interpolate(raw: string, lookup: Lookup, count: (length: number) => void): string {
  return raw.includes('%') ? expand(raw, lookup, count, { steps: 1, at: undefined, chain: [] }) : raw;
}

/** Where each part of `interpolate`'s result came from, for the place of a mistake in it. */
export function interpolatedParts(raw: string, lookup: Lookup, count: (length: number) => void): InterpolatedPart[] {
  const parts: InterpolatedPart[] = [];
  let start = 0;
  for (const token of tokensOf(raw, { steps: 1, at: undefined, chain: [] })) {
    parts.push({ start, offset: token.offset, ...(token.name === undefined ? {} : { name: token.name }) });
    start += token.name === undefined ? token.text.length : interpolate(lookup(token.name) ?? '', lookup, count).length;
  }
  return parts;
}

/** How far a chain of references has been followed. */
interface Progress {
  readonly steps: number;
  /** Offset in the value read first, once inside a referenced value. */
  readonly at: number | undefined;
  readonly chain: readonly string[];
}

interface Token {
  readonly offset: number;
  readonly text: string;
  readonly name?: string;
}

function expand(raw: string, lookup: Lookup, count: (length: number) => void, progress: Progress): string {
  let result = '';
  for (const { offset, text, name } of tokensOf(raw, progress)) {
    if (name === undefined) {
      count(text.length);
      result += text;
      continue;
    }
    const at = progress.at ?? offset;
    const value = lookup(name);
    const chain = [...progress.chain, name];
    if (value === undefined) {
      throw new InterpolationProblem('missing', at, chain, `"%(${name})s" refers to an option that is not there`);
    }
    if (!value.includes('%')) {
      count(value.length);
      result += value;
      continue;
    }
    if (progress.steps >= MAX_STEPS) {
      throw new InterpolationProblem('depth', at, chain, `references are more than ${MAX_STEPS} steps deep`);
    }
    result += expand(value, lookup, count, { steps: progress.steps + 1, at, chain });
  }
  return result;
}

/** Splits a value at its `%`: literal text, and names that are referred to. */
function* tokensOf(raw: string, progress: Progress): Generator<Token> {
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
      throw syntaxProblem(raw.slice(percent), progress.at ?? percent, progress);
    yield { offset: percent, text: '', name: raw.slice(percent + 2, close) };
    from = close + 2;
  }
}

function syntaxProblem(rest: string, offset: number, progress: Progress): InterpolationProblem {
  const shown = rest.length > 80 ? `${rest.slice(0, 80)}…` : rest;
  const message = rest.startsWith('%(')
    ? `"${shown}" is not a reference of the form %(name)s`
    : `"%" must be followed by "%" or "(", but "${shown}" stands here`;
  return new InterpolationProblem('syntax', offset, progress.chain, message);
}

/** The option that was read when interpolation failed. */
export interface ReadOption {
  readonly file: string;
  /** The section whose names were used; `DEFAULT` when it was read by itself. */
  readonly section: string;
  readonly name: string;
  readonly raw: string;
  /** Undefined for values that stand in no file. */
  readonly option: PasteOption | undefined;
  readonly candidates: () => string[];
}

const SHOWN = 80;
/** The error for a value that cannot be interpolated. */
export function interpolationError(problem: InterpolationProblem, read: ReadOption): PasteError {
  const origin = read.option === undefined ? undefined : originWithin(read.option.pieces, problem.offset);
  const elsewhere = origin?.section !== read.section;
  const place = origin === undefined ? `${read.file}: [${read.section}] ${read.name}: ` : '';
  const reader = origin !== undefined && elsewhere ? `, read in [${read.section}],` : '';
  const value = isSecret(read.name, undefined) ? '' : ` (the value is ${shown(read.raw)})`;
  const message = `${place}${sentence(problem, read, reader)}${value}.`;
  return refuse(`interpolation-${problem.kind}`, {
    message,
    origin,
    hint: hintFor(problem, read, origin === undefined),
  });
}

function sentence(problem: InterpolationProblem, read: ReadOption, reader: string): string {
  if (problem.kind === 'depth') {
    const chain = [read.name, ...problem.chain].map((name) => JSON.stringify(name)).join(' refers to ');
    return `the value${reader} cannot be put together in 10 steps: ${chain}`;
  }
  if (problem.kind === 'missing') {
    const name = problem.chain.at(-1) ?? '';
    const owners =
      read.section === 'DEFAULT' ? '[DEFAULT] does not have' : `neither [${read.section}] nor [DEFAULT] has`;
    return `"%(${name})s"${reader} refers to an option that ${owners}${by(problem.chain.slice(0, -1))}`;
  }
  const message = isSecret(read.name, undefined) ? 'a "%" is followed by neither "%" nor "(name)s"' : problem.message;
  return `${message}${reader}${by(problem.chain)}`;
}

function by(chain: readonly string[]): string {
  return chain.length === 0 ? '' : `, reached by way of ${chain.map((name) => JSON.stringify(name)).join(', ')}`;
}

function hintFor(problem: InterpolationProblem, read: ReadOption, handedIn: boolean): string {
  if (handedIn) return 'The value was handed in by the program or by the including file; a "%" in it must be doubled.';
  if (problem.kind === 'syntax') return 'Write "%%" for a percent sign, "%(name)s" for the value of an option.';
  if (problem.kind === 'depth') {
    const chain = [read.name, ...problem.chain];
    return new Set(chain).size < chain.length
      ? 'The references go round in a circle.'
      : 'Shorten the chain of references.';
  }
  const name = problem.chain.at(-1) ?? '';
  const names = read.candidates();
  if (names.includes(`set ${name}`))
    return `"set ${name}" goes into global_conf; it defines nothing for interpolation.`;
  return didYouMean(name, names) ?? `Names there are: ${names.slice(0, 10).join(', ')}.`;
}

function shown(raw: string): string {
  return JSON.stringify(raw.length > SHOWN ? `${raw.slice(0, SHOWN)}…` : raw);
}
