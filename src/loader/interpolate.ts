/**
 * `%(name)s` and `%%`, as configparser's basic interpolation resolves them.
 */

/** Finds the raw value of an option by its exact name: in the section, then in `[DEFAULT]`, then run-time values. */
export type Lookup = (name: string) => string | undefined;

/** Steps a chain of values that hold a `%` may have, the value read first included. */
const MAX_STEPS = 10;

/** What is wrong with a value, before anybody knows which option it was. */
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

interface Place {
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

function expand(raw: string, lookup: Lookup, count: (length: number) => void, place: Place): string {
  let result = '';
  for (const { offset, text, name } of tokensOf(raw, place)) {
    if (name === undefined) {
      count(text.length);
      result += text;
      continue;
    }
    const at = place.at ?? offset;
    const value = lookup(name);
    const chain = [...place.chain, name];
    if (value === undefined) {
      throw new InterpolationProblem('missing', at, chain, `"%(${name})s" refers to an option that is not there`);
    }
    if (!value.includes('%')) {
      count(value.length);
      result += value;
      continue;
    }
    if (place.steps >= MAX_STEPS) {
      throw new InterpolationProblem('depth', at, chain, `references are more than ${MAX_STEPS} steps deep`);
    }
    result += expand(value, lookup, count, { steps: place.steps + 1, at, chain });
  }
  return result;
}

/** Splits a value at its `%`: literal text, and names that are referred to. */
function* tokensOf(raw: string, place: Place): Generator<Token> {
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
      throw syntaxProblem(raw.slice(percent), place.at ?? percent, place);
    yield { offset: percent, text: '', name: raw.slice(percent + 2, close) };
    from = close + 2;
  }
}

function syntaxProblem(rest: string, offset: number, place: Place): InterpolationProblem {
  const shown = rest.length > 80 ? `${rest.slice(0, 80)}…` : rest;
  const message = rest.startsWith('%(')
    ? `"${shown}" is not a reference of the form %(name)s`
    : `"%" must be followed by "%" or "(", but "${shown}" stands here`;
  return new InterpolationProblem('syntax', offset, place.chain, message);
}
