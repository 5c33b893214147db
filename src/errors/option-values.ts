/**
 * Values of options that are written in code. Their types say the same, to authors who have a compiler.
 */
import { isObject, nearestOrAll, PorticoError, whatItIs } from './errors.js';

/** A kind of values: a noun phrase for messages, and the test. */
export interface OptionKind {
  readonly noun: string;
  readonly has: (value: unknown) => boolean;
  /** All values, where they are words. */
  readonly words?: readonly string[];
  /** Sentence for authors, where the noun does not say enough. */
  readonly hint?: string;
}

/** Values that are judged elsewhere, or taken as they are. */
export const ANY: OptionKind = { noun: 'any value', has: () => true };
export const FLAG: OptionKind = { noun: 'true or false', has: (value) => typeof value === 'boolean' };
export const TEXT: OptionKind = { noun: 'a text', has: (value) => typeof value === 'string' };
export const FUNCTION: OptionKind = { noun: 'a function', has: (value) => typeof value === 'function' };
export const OBJECT: OptionKind = { noun: 'an object', has: isObject };
export const LIST: OptionKind = { noun: 'a list', has: Array.isArray };
export const BYTES: OptionKind = {
  noun: 'a whole number of bytes above 0',
  has: (value) => Number.isSafeInteger(value) && Number(value) > 0,
};
/** Node's timers take no longer time: they would end at once. */
const LONGEST_MS = 2_147_483_647;
export const MILLISECONDS: OptionKind = {
  noun: `a number of milliseconds above 0 and below ${LONGEST_MS + 1}`,
  has: (value) => typeof value === 'number' && value > 0 && value <= LONGEST_MS,
};

/** One of these words. */
export function oneOf(...words: readonly string[]): OptionKind {
  return { noun: 'one of its values', has: (value) => words.includes(value as string), words };
}

/** Refuses values of other kinds than their options have, all at once; null is no value, as undefined, which the `needed` ones must have. `what` is the object they are options of, as `a Router`. */
export function refuseWrongValues(
  code: string,
  what: string,
  options: object,
  kinds: Readonly<Record<string, OptionKind>>,
  needed: readonly string[] = [],
): void {
  const given = Object.entries(options).filter(
    ([name, value]) => (value ?? undefined) !== undefined || needed.includes(name),
  );
  const wrong = given.flatMap(([name, value]) => {
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
    return kind === undefined || kind.has(value) ? [] : [{ name, value, kind }];
  });
  if (wrong.length === 0) return;
  const told = wrong.map(({ name, value, kind }) => `the ${name} of ${what} is ${whatItIs(value)}, not ${kind.noun}`);
  const hints = wrong.flatMap(({ name, value, kind: { words, hint } }) =>
    words === undefined ? (hint ?? []) : nearestOrAll(String(value), words, `Values of ${name}`),
  );
  throw new PorticoError(code, { message: told.join('; '), hint: [...new Set(hints)].join(' ') || undefined });
}
