/**
 * Types of path variables: `{id:uuid}`, `{n:int}`; and the types of a template's parameters for the compiler.
 */

import { didYouMean } from '../../errors/index.js';
import type { RouteWarning } from '../template/template.js';
import type { Match, MatchRequest } from './conditions.js';
import type { RouteOptions } from './route.js';

/** A type of variables: form, meaning and formatting of their text. */
export interface ParamType<T = unknown> {
  /** Regular expression in Python's syntax, as in requirements. */
  readonly regex: string;
  /** Returns the value of a matching text; if it returns undefined or throws, the route does not match. */
  readonly parse: (text: string) => T | undefined;
  /** Returns the text of a value, for URLs. Default: `String`. */
  readonly print?: (value: T) => string;
}

/** Types by name, with values of `Own`. */
export type ParamTypes<Own> = { readonly [K in keyof Own]: ParamType<Own[K]> };

/** Built-in types. */
export interface BuiltInTypes {
  /** An integer of at most 15 digits, with or without a sign. */
  readonly int: number;
  /** An integer of 32 bits, from -2147483648 to 2147483647: the range of a database column `integer`. */
  readonly int32: number;
  readonly uuid: string;
  readonly hex: string;
  /** `true` or `false`. */
  readonly bool: boolean;
  /** Lower-case words and digits separated by single dashes. */
  readonly slug: string;
  /** Any text that is not empty, including slashes. */
  readonly path: string;
}

const HEX = '[0-9a-fA-F]';

/** Numbers of ten digits up to 2147483647, digit by digit. */
const TEN_DIGITS =
  '1[0-9]{9}|2(?:0[0-9]{8}|1(?:[0-3][0-9]{7}|4(?:[0-6][0-9]{6}|7(?:[0-3][0-9]{5}|4(?:[0-7][0-9]{4}|8(?:[0-2][0-9]{3}|3(?:[0-5][0-9]{2}|6(?:[0-3][0-9]|4[0-7]))))))))';

const BUILT_IN_TYPES: ParamTypes<BuiltInTypes> = {
  int: { regex: '-?[0-9]{1,15}', parse: Number },
  int32: { regex: `-?(?:[0-9]{1,9}|${TEN_DIGITS})|-2147483648`, parse: Number },
  uuid: { regex: `${HEX}{8}-${HEX}{4}-${HEX}{4}-${HEX}{4}-${HEX}{12}`, parse: (text) => text },
  hex: { regex: `${HEX}+`, parse: (text) => text },
  bool: { regex: 'true|false', parse: (text) => text === 'true' },
  slug: { regex: '[a-z0-9]+(?:-[a-z0-9]+)*', parse: (text) => text },
  path: { regex: '.+', parse: (text) => text },
};

/**
 * Returns the JSON Schema of a variable with this requirement: a number if it has a built-in numeric type, else a text with a pattern. A
 * router's own type may have the name of a built-in one, but not its expression.
 */
export function requirementSchema(
  type: string | undefined,
  regex: string | undefined,
): Readonly<Record<string, unknown>> {
  const is = (name: keyof BuiltInTypes): boolean => type === name && regex === BUILT_IN_TYPES[name].regex;
  if (is('int32')) return { type: 'integer', minimum: -(2 ** 31), maximum: 2 ** 31 - 1 };
  if (is('int')) return { type: 'integer', minimum: 1 - 10 ** 15, maximum: 10 ** 15 - 1 };
  const format = is('uuid') ? { format: 'uuid' } : {};
  return { type: 'string', ...format, ...(regex ? { pattern: `^(?:${regex})$` } : {}) };
}

/** Returns the types of a router: built-in ones, and the application's, which take precedence. */
export function paramTypes(own: Readonly<Record<string, ParamType>> = {}): ReadonlyMap<string, ParamType> {
  return new Map<string, ParamType>([...Object.entries(BUILT_IN_TYPES), ...Object.entries(own)] as [
    string,
    ParamType,
  ][]);
}

/** A template without its types, and the type of each variable that had one. */
export interface TypedTemplate {
  readonly template: string | null;
  readonly types: ReadonlyMap<string, ParamType>;
  /** Names of these types. */
  readonly typeNames: ReadonlyMap<string, string>;
  /** Words that are similar to the name of a type: they are expressions, which match only that word. */
  readonly notices: readonly RouteWarning[];
}

/** Removes types from a template; other text after a colon stays, because it is an expression. */
export function takeTypes(template: string | null, known: ReadonlyMap<string, ParamType>): TypedTemplate {
  const types = new Map<string, ParamType>();
  const typeNames = new Map<string, string>();
  const notices: RouteWarning[] = [];
  const bare = template?.replace(
    /(?<!\\)\{(\.?)([\p{L}\p{N}_]+):( *\w+ *)\}/gu,
    (whole, dot: string, name: string, word: string) => {
      const type = known.get(word);
      if (type === undefined) {
        notices.push(...nearlyType(name, word, known));
        return whole;
      }
      types.set(name, type);
      typeNames.set(name, word);
      return `{${dot}${name}}`;
    },
  );
  return { template: bare ?? null, types, typeNames, notices };
}

/** Names of types in other languages and in OpenAPI, with the name here. A variable without a type is a text. */
const OTHER_NAMES: ReadonlyMap<string, string> = new Map([
  ...['integer', 'number', 'int64', 'bigint'].map((word) => [word, ':int'] as const),
  ...['string', 'str', 'text'].map((word) => [word, ''] as const),
  ['boolean', ':bool'],
]);

function nearlyType(name: string, word: string, known: ReadonlyMap<string, ParamType>): RouteWarning[] {
  // A router without types, as in Routes: the word is an expression.
  if (known.size === 0) return [];
  const meant = word.trim();
  const written = known.has(meant) ? `:${meant}` : OTHER_NAMES.get(meant);
  const hint = written === undefined ? didYouMean(meant, known.keys()) : `Write {${name}${written}}.`;
  if (hint === undefined) return [];
  const message = `the variable ${name} matches only the text "${word}", because no type has this name`;
  return [{ code: 'PORTICO_ROUTE_TYPE_NAME', message, hint }];
}

/** Returns the value of a text; undefined if it is not of this type. */
export function parseParam(type: ParamType, text: string): unknown {
  try {
    return type.parse(text);
  } catch {
    return undefined;
  }
}

/** Returns the options with the requirements, the condition and the filter of the types. */
export function withTypes(
  options: RouteOptions,
  { types, typeNames }: Pick<TypedTemplate, 'types' | 'typeNames'>,
): RouteOptions {
  if (types.size === 0) return options;
  const requirements = { ...options.requirements };
  for (const [name, { regex }] of types) requirements[name] = regex;
  const builtIn = new Set<ParamType>(Object.values(BUILT_IN_TYPES) as ParamType[]);
  // Values that match the expression of a built-in type always parse, so only other types are checked.
  const asked = [...types].filter(([, type]) => !builtIn.has(type));
  return {
    ...options,
    requirements,
    _types: new Map([...(options._types ?? []), ...typeNames]),
    _filter: (values) => printed(options._filter?.(values) ?? values, types),
    ...(asked.length === 0 ? {} : { conditions: { ...options.conditions, function: parses(options, asked) } }),
  };
}

function parses(options: RouteOptions, types: readonly (readonly [string, ParamType])[]) {
  const inner = options.conditions?.function;
  return (request: MatchRequest | null, match: Match): unknown => {
    for (const [name, type] of types) {
      const text = match[name];
      if (typeof text === 'string' && parseParam(type, text) === undefined) return false;
    }
    return inner === undefined || inner(request, match);
  };
}

function printed(
  values: Readonly<Record<string, unknown>>,
  types: ReadonlyMap<string, ParamType>,
): Record<string, unknown> {
  const result = { ...values };
  for (const [name, { print = String }] of types) {
    const value = result[name];
    if (value !== undefined && value !== null && typeof value !== 'string') result[name] = print(value);
  }
  return result;
}

/**
 * `ParamsOf<'/servers/{id}/ips/{n:int}'>` is `{ id: string; n: number }`. A dotted variable may be absent. `Own` are the values
 * of the router's own types, by name. For a text that is not a literal: any names.
 */
// biome-ignore lint/suspicious/noExplicitAny: the types of any router
export type ParamsOf<T extends string, Own = any> = string extends T
  ? Readonly<Record<string, string | undefined>>
  : Simplify<Literal<T, Own>>;

// Reads character by character, as readTemplate does. `A`: the result so far, so that the compiler need not keep a stack.

/** Text outside of variables. */
type Literal<T extends string, Own, A = unknown> = T extends `\\${infer Escaped}`
  ? Escaped extends `${string}${infer Rest}`
    ? Literal<Rest, Own, A>
    : A
  : T extends `{${infer Rest}`
    ? Braced<Rest, Own, A>
    : T extends `:${infer Rest}`
      ? Opened<Rest, Own, A>
      : T extends `*${infer Rest}`
        ? Opened<Rest, Own, A>
        : T extends `${string}${infer Rest}`
          ? Literal<Rest, Own, A>
          : A;

/** Text up to the closing brace of the variable. */
type Braced<T extends string, Own, A, V extends string = ''> = T extends `\\${infer C}${infer Rest}`
  ? Braced<Rest, Own, A, `${V}\\${C}`>
  : T extends `}${infer Rest}`
    ? Literal<Rest, Own, A & Variable<V, Own>>
    : T extends `${infer C}${infer Rest}`
      ? Braced<Rest, Own, A, `${V}${C}`>
      : A & { readonly [K in V]: string };

/** After `:` or `*`: a name in parentheses, or one that a separator ends. */
type Opened<T extends string, Own, A> = T extends `(${infer Rest}`
  ? UpTo<Rest, ')', Own, A>
  : T extends `${infer C}${infer Rest}`
    ? UpTo<Rest, '/' | ',' | ';' | '.' | '#' | '-', Own, A, C>
    : A;

type UpTo<T extends string, End extends string, Own, A, N extends string = ''> = T extends `${infer C}${infer Rest}`
  ? C extends End
    ? Literal<Rest, Own, A & { readonly [K in N]: string }>
    : UpTo<Rest, End, Own, A, `${N}${C}`>
  : A & { readonly [K in N]: string };

type Variable<V extends string, Own> = V extends `.${infer N}`
  ? { readonly [K in NameOf<N>]?: ValueIn<N, Own> }
  : { readonly [K in NameOf<V>]: ValueIn<V, Own> };

type NameOf<V extends string> = V extends `${infer N}:${string}` ? N : V;

/** Type of a variable's value by the word after the colon; with an expression it is text. */
type ValueIn<V extends string, Own> = V extends `${string}:${infer R}` ? TypedValue<R, Own> : string;

/** Values of a type by its name; text for an expression. */
export type TypedValue<R, Own> = string extends keyof Own
  ? BuiltInValue<R>
  : R extends keyof Own
    ? Own[R]
    : BuiltInValue<R>;

type BuiltInValue<R> = R extends keyof BuiltInTypes ? BuiltInTypes[R] : string;

/** The same members as one type; `& {}` makes editors show them in place of this name. */
export type Simplify<T> = { [K in keyof T]: T[K] } & {};

/** Arguments of a template's URL: a value for each variable; further ones become the query. */
type UrlArguments<P> =
  Record<string, never> extends UrlParams<P>
    ? [values?: UrlParams<P> & Readonly<Record<string, unknown>>]
    : [values: UrlParams<P> & Readonly<Record<string, unknown>>];

type UrlParams<P> = { readonly [K in keyof P]: P[K] | number };

/** A name with its URL function: the addition of `connect` to the type of a router. */
export interface Named<N extends string, P> {
  readonly url: { readonly [K in N]: (...values: UrlArguments<P>) => string };
}
