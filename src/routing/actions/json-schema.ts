/**
 * JSON Schema as a type, and the type of the values it takes.
 */

/** A JSON Schema. */
export type JsonSchema = Readonly<Record<string, unknown>> | boolean;

interface TypeNames {
  readonly string: string;
  readonly number: number;
  readonly integer: number;
  readonly boolean: boolean;
  readonly null: null;
}

/** The type of the values that a schema takes, as far as its literals tell; `unknown` where they do not. */
export type FromSchema<S> = S extends { readonly const: infer C }
  ? C
  : S extends { readonly enum: readonly (infer E)[] }
    ? E
    : S extends { readonly anyOf: readonly (infer A)[] } | { readonly oneOf: readonly (infer A)[] }
      ? FromSchema<A>
      : S extends { readonly type: infer T }
        ? T extends readonly (infer One)[]
          ? TypeOf<One, S>
          : TypeOf<T, S>
        : unknown;

type TypeOf<T, S> = T extends keyof TypeNames
  ? TypeNames[T]
  : T extends 'array'
    ? S extends { readonly items: infer I }
      ? FromSchema<I>[]
      : unknown[]
    : T extends 'object'
      ? ObjectOf<S>
      : unknown;

type ObjectOf<S> = S extends { readonly properties: infer P }
  ? Simplify<
      { -readonly [K in keyof P as K extends RequiredOf<S> ? K : never]: FromSchema<P[K]> } & {
        -readonly [K in keyof P as K extends RequiredOf<S> ? never : K]?: FromSchema<P[K]>;
      }
    >
  : S extends { readonly patternProperties: infer P; readonly additionalProperties: false }
    ? Record<string, FromSchema<P[keyof P]>>
    : S extends { readonly additionalProperties: infer A }
      ? Record<string, A extends object ? FromSchema<A> : unknown>
      : Record<string, unknown>;

type RequiredOf<S> = S extends { readonly required: readonly (infer R)[] } ? R : never;

type Simplify<T> = { [K in keyof T]: T[K] };

/** One type for the values of all versions: a member that some versions do not have, or need not have, is optional. */
export type OfAllVersions<V> = [V] extends [readonly unknown[]]
  ? V
  : [V] extends [object]
    ? Simplify<
        { [K in Exclude<MemberOf<V>, OptionalIn<V>>]: OfAllVersions<ValueOf<V, K>> } & {
          [K in OptionalIn<V>]?: OfAllVersions<ValueOf<V, K>>;
        }
      >
    : V;

type MemberOf<V> = V extends unknown ? keyof V : never;
/** The members that at least one of the types does not require. */
type OptionalIn<V> = MemberOf<V> extends infer K ? (K extends PropertyKey ? NotRequired<V, K> : never) : never;
type NotRequired<V, K extends PropertyKey> = V extends Record<K, unknown> ? never : K;
type ValueOf<V, K> = V extends unknown ? (K extends keyof V ? V[K] : never) : never;
