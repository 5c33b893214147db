/** Checks of options passed in code, for authors without a compiler that checks their types. */
import { isObject, nearestOrAll, PorticoError, refuseUnknownOptions, whatItIs } from './errors.js';

/** A kind of values: a noun phrase for messages, and a check. */
export interface OptionKind {
  readonly noun: string;
  readonly has: (value: unknown) => boolean;
  /** All values, if they are words. */
  readonly words?: readonly string[];
  /** A hint for authors, if the noun is not clear enough. */
  readonly hint?: string;
}

/** Values that are checked elsewhere or not at all. */
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
/** Longest timeout of Node's timers; a longer one fires at once. */
const LONGEST_MS = 2_147_483_647;
export const MILLISECONDS: OptionKind = {
  noun: `a number of milliseconds above 0 and below ${LONGEST_MS + 1}`,
  has: (value) => typeof value === 'number' && value > 0 && value <= LONGEST_MS,
};

/** Kinds of values by name. `any`: values that are checked elsewhere or not at all. */
export const OPTION_KINDS = {
  any: ANY,
  flag: FLAG,
  text: TEXT,
  function: FUNCTION,
  object: OBJECT,
  list: LIST,
  bytes: BYTES,
  milliseconds: MILLISECONDS,
} as const;

/** Returns the kind for a set of words. */
export function oneOf(...words: readonly string[]): OptionKind {
  return { noun: 'one of its values', has: (value) => words.includes(value as string), words };
}

/** Returns the options without those that are null, which means no value, except where null is a value of the kind. */
export function withoutNulls<T extends object>(options: T, kinds: Readonly<Record<string, OptionKind>>): T {
  const isNone = ([name, value]: readonly [string, unknown]): boolean =>
    value === null && Object.hasOwn(kinds, name) && !kinds[name]!.has(null);
  const entries = Object.entries(options);
  return entries.some(isNone) ? (Object.fromEntries(entries.filter((entry) => !isNone(entry))) as T) : options;
}

/**
 * Throws an error for all options whose values are of the wrong kind. Null counts as absent, like undefined; the `needed` options, if
 * present, must have a value. `what` describes the owner of the options, such as `a Router`.
 */
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

/**
 * Throws an error for all unknown options, with the nearest known names, then for all values of the wrong kind. Null and undefined count as
 * absent, but for the `needed` options, if present. `what` describes the owner of the options, such as `a Router`; `known`: the kind of each
 * option, or only their names. Returns the options without those that are null, except where null is a value of the kind.
 */
export function checkOptions<T extends object>(
  code: string,
  what: string,
  options: T,
  known: Readonly<Record<string, OptionKind>> | readonly string[],
  needed: readonly string[] = [],
): T {
  if (!isObject(options))
    throw new PorticoError(code, { message: `the options of ${what} are an object, not ${whatItIs(options)}` });
  const kinds = Array.isArray(known) ? undefined : (known as Readonly<Record<string, OptionKind>>);
  refuseUnknownOptions(code, what, options, kinds === undefined ? (known as readonly string[]) : Object.keys(kinds));
  if (kinds === undefined) return options;
  refuseWrongValues(code, what, options, kinds, needed);
  return withoutNulls(options, kinds);
}
