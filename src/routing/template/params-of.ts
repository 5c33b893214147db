/**
 * The type of the path variables of a template, from the template itself.
 */
import type { BuiltInTypes } from './param-types.js';

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
export type UrlArguments<T extends string> =
  Record<string, never> extends UrlParams<T>
    ? [values?: UrlParams<T> & Readonly<Record<string, unknown>>]
    : [values: UrlParams<T> & Readonly<Record<string, unknown>>];

type UrlParams<T extends string> = { readonly [K in keyof ParamsOf<T>]: ParamsOf<T>[K] | number };

/** A name with its URL function: what `connect` adds to the type of a router. */
export interface Named<N extends string, T extends string> {
  readonly url: { readonly [K in N]: (...values: UrlArguments<T>) => string };
}
