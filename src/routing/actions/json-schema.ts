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
  : S extends { readonly additionalProperties: infer A }
    ? Record<string, A extends object ? FromSchema<A> : unknown>
    : Record<string, unknown>;

type RequiredOf<S> = S extends { readonly required: readonly (infer R)[] } ? R : never;

type Simplify<T> = { [K in keyof T]: T[K] };
