/**
 * Types of path variables: `{id:uuid}`, `{n:int}`; and what they make of the parameters of a template, for the compiler.
 */

import type { Match, MatchRequest } from './conditions.js';
import type { RouteOptions } from './route.js';

/** A type of variables: what their text looks like, what it means, how it is written. */
export interface ParamType<T = unknown> {
  /** In Python's syntax, as requirements are. */
  readonly regex: string;
  /** The value of a text that matched; undefined, or a throw: the route does not take the path. */
  readonly parse: (text: string) => T | undefined;
  /** The text of a value, for URLs. Default: `String`. */
  readonly print?: (value: T) => string;
}

/** The types that are always there. */
export interface BuiltInTypes {
  /** An integer of at most 15 digits, with or without a sign. */
  readonly int: number;
  readonly uuid: string;
  readonly hex: string;
  /** `true` or `false`. */
  readonly bool: boolean;
  /** Lower-case words and digits with single dashes between them. */
  readonly slug: string;
  /** Anything that is not empty, slashes included. */
  readonly path: string;
}

const HEX = '[0-9a-fA-F]';

const BUILT_IN_TYPES: { readonly [K in keyof BuiltInTypes]: ParamType<BuiltInTypes[K]> } = {
  int: { regex: '-?[0-9]{1,15}', parse: Number },
  uuid: { regex: `${HEX}{8}-${HEX}{4}-${HEX}{4}-${HEX}{4}-${HEX}{12}`, parse: (text) => text },
  hex: { regex: `${HEX}+`, parse: (text) => text },
  bool: { regex: 'true|false', parse: (text) => text === 'true' },
  slug: { regex: '[a-z0-9]+(?:-[a-z0-9]+)*', parse: (text) => text },
  path: { regex: '.+', parse: (text) => text },
};

/** The types of a router: built-in ones, and the application's over them. */
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
}

/** Takes types out of a template; what stands after a colon and is no type's name stays: it is an expression. */
export function takeTypes(template: string | null, known: ReadonlyMap<string, ParamType>): TypedTemplate {
  const types = new Map<string, ParamType>();
  const bare = template?.replace(
    /(?<!\\)\{(\.?)([\p{L}\p{N}_]+):(\w+)\}/gu,
    (whole, dot: string, name: string, word: string) => {
      const type = known.get(word);
      if (type === undefined) return whole;
      types.set(name, type);
      return `{${dot}${name}}`;
    },
  );
  return { template: bare ?? null, types };
}

/** The value of a text; undefined when it is not of this type. */
export function parseParam(type: ParamType, text: string): unknown {
  try {
    return type.parse(text);
  } catch {
    return undefined;
  }
}

/** The options with requirements, a condition and a filter that the types ask for. */
export function withTypes(options: RouteOptions, types: ReadonlyMap<string, ParamType>): RouteOptions {
  if (types.size === 0) return options;
  const requirements = { ...options.requirements };
  for (const [name, { regex }] of types) requirements[name] = regex;
  const builtIn = new Set<ParamType>(Object.values(BUILT_IN_TYPES) as ParamType[]);
  // What the expression of a built-in type takes always parses, so only others have to be asked.
  const asked = [...types].filter(([, type]) => !builtIn.has(type));
  return {
    ...options,
    requirements,
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
 * `ParamsOf<'/servers/{id}/ips/{n:int}'>` is `{ id: string; n: number }`. A dotted variable may be absent. For a text
 * that is not a literal: any names.
 */
export type ParamsOf<T extends string> = string extends T
  ? Readonly<Record<string, string | undefined>>
  : Simplify<Braced<T>>;

type Braced<T extends string> = T extends `${infer Head}{${infer V}}${infer Rest}`
  ? Colons<Head> & Variable<V> & Braced<Rest>
  : Colons<T>;

/** `:(name)`, `*(name)`, `:name` and `*name` between braces. */
type Colons<T extends string> = T extends `${string}${':' | '*'}(${infer N})${infer Rest}`
  ? { readonly [K in N]: string } & Colons<Rest>
  : T extends `${string}:${infer N}`
    ? Plain<N>
    : T extends `${string}*${infer N}`
      ? Plain<N>
      : unknown;

type Plain<T extends string> = T extends `${infer N}/${infer Rest}`
  ? { readonly [K in UpTo<N>]: string } & Colons<`/${Rest}`>
  : { readonly [K in UpTo<T>]: string };

type UpTo<T extends string> = T extends `${infer N}${',' | ';' | '.' | '#' | '-'}${string}` ? N : T;

type Variable<V extends string> = V extends `.${infer N}`
  ? { readonly [K in NameOf<N>]?: string }
  : {
      readonly [K in NameOf<V>]: V extends `${string}:${infer R}`
        ? R extends keyof BuiltInTypes
          ? BuiltInTypes[R]
          : string
        : string;
    };

type NameOf<V extends string> = V extends `${infer N}:${string}` ? N : V;

type Simplify<T> = { [K in keyof T]: T[K] };

/** What a URL of a template needs: a value for each variable; more become the query. */
type UrlArguments<T extends string> =
  Record<string, never> extends UrlParams<T>
    ? [values?: UrlParams<T> & Readonly<Record<string, unknown>>]
    : [values: UrlParams<T> & Readonly<Record<string, unknown>>];

type UrlParams<T extends string> = { readonly [K in keyof ParamsOf<T>]: ParamsOf<T>[K] | number };

/** A name with its URL function: what `connect` adds to the type of a router. */
export interface Named<N extends string, T extends string> {
  readonly url: { readonly [K in N]: (...values: UrlArguments<T>) => string };
}
