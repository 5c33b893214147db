/**
 * Schemas of actions: JSON Schema, TypeBox, and Standard Schemas (https://standardschema.dev) of Zod, Valibot and ArkType; and the types of
 * values of JSON Schemas.
 */
import { isObject } from '../../errors/index.js';
import type { Simplify } from '../route/param-types.js';

/** A schema of any library that follows the standard. */
export interface StandardSchema {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    validate(value: unknown): StandardResult | Promise<StandardResult>;
    /** Absent at run time. */
    readonly types?: { readonly input: unknown; readonly output: unknown } | undefined;
    /** Standard JSON Schema: Zod from 4.2, ArkType from 2.1.28, Valibot's `toStandardJsonSchema(schema)`. */
    readonly jsonSchema?: Readonly<Record<Side, (options: { readonly target: Draft }) => Record<string, unknown>>>;
  };
}

/** Before or after a schema's coercions, transformations and defaults. */
type Side = 'input' | 'output';
type Draft = 'draft-07' | 'draft-2020-12';

export type StandardResult =
  | { readonly value: unknown; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

export interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** A schema of TypeBox 1: JSON Schema whose type has no index signature. */
export interface TypeBoxSchema {
  readonly '~kind': string;
}

/** A schema that an action takes. */
export type Schema = JsonSchema | TypeBoxSchema | StandardSchema;

export function isStandardSchema(schema: unknown): schema is StandardSchema {
  const isObject = (typeof schema === 'object' && schema !== null) || typeof schema === 'function';
  return isObject && '~standard' in schema;
}

/** Returns the JSON Schema of a schema. Throws an `Error` with the reason if there is none. */
export function jsonSchemaOf(schema: Schema, side: Side, draft: Draft): JsonSchema {
  if (!isStandardSchema(schema)) return schema as JsonSchema;
  const { vendor, jsonSchema } = schema['~standard'];
  if (jsonSchema === undefined) throw new Error(`this schema of ${vendor} has no Standard JSON Schema`);
  const { $schema: _, ...made } = jsonSchema[side]({ target: draft });
  return made;
}

/** Returns a schema for documents; without a JSON Schema, the reason. */
export function documentedSchema(schema: Schema, side: Side): JsonSchema {
  try {
    return jsonSchemaOf(schema, side, 'draft-2020-12');
  } catch (error) {
    return { description: `No JSON Schema: ${(error as Error).message}.` };
  }
}

/**
 * Returns the schema of a response for documents. Without `additionalProperties: false` that a library adds for its output alone: with it,
 * one schema would have two forms.
 */
export function documentedOutput(schema: Schema): JsonSchema {
  const output = documentedSchema(schema, 'output');
  return isStandardSchema(schema) ? (opened(output, documentedSchema(schema, 'input')) as JsonSchema) : output;
}

function opened(output: unknown, input: unknown): unknown {
  if (Array.isArray(output)) return output.map((each, at) => opened(each, (input as unknown[] | undefined)?.[at]));
  if (!isObject(output) || !isObject(input)) return output;
  const isClosed = output.additionalProperties === false && input.additionalProperties === undefined;
  const members = Object.entries(output).filter(([name]) => !isClosed || name !== 'additionalProperties');
  return Object.fromEntries(members.map(([name, each]) => [name, opened(each, input[name])]));
}

/** A JSON Schema. */
export type JsonSchema = Readonly<Record<string, unknown>> | boolean;

interface TypeNames {
  readonly string: string;
  readonly number: number;
  readonly integer: number;
  readonly boolean: boolean;
  readonly null: null;
}

/**
 * Type of a value whose JSON Schema the compiler knows only as `{ type: string }`, named for the errors that its use gives: `const schema =
 * { … } as const` keeps the literals. It accepts what `unknown` accepts: casts, checks, other validators.
 */
// biome-ignore lint/suspicious/noEmptyInterface: only its name matters
export interface WriteAsConstAfterTheSchema {}

/** Whether a type is {@link WriteAsConstAfterTheSchema}. */
export type LacksConst<V> =
  (<T>() => T extends V ? 1 : 2) extends <T>() => T extends WriteAsConstAfterTheSchema ? 1 : 2 ? true : false;

/** Type of a schema's values, as far as its literals determine it; otherwise `unknown`. */
export type FromSchema<S> = S extends false
  ? never
  : S extends { readonly const: infer C }
    ? C
    : S extends { readonly enum: readonly (infer E)[] }
      ? E
      : Both<OwnType<S>, Both<AllOf<S>, OneOf<S>>>;

/** As {@link FromSchema}, for a query, headers and params, in which a member with a `default` is always present. */
export type WithDefaults<S> = S extends { readonly properties: infer P }
  ? [DefaultedIn<P>] extends [never]
    ? FromSchema<S>
    : Both<FromSchema<S>, { -readonly [K in DefaultedIn<P>]: FromSchema<P[K]> }>
  : FromSchema<S>;

type DefaultedIn<P> = { [K in keyof P]: P[K] extends { readonly default: unknown } ? K : never }[keyof P];

/** Type of `type` and its related keywords. */
type OwnType<S> = S extends { readonly type: infer T }
  ? T extends readonly (infer One)[]
    ? TypeOf<One, S>
    : TypeOf<T, S>
  : unknown;

/** Values that match every one of the schemas. */
type AllOf<S> = S extends { readonly allOf: readonly [infer First, ...infer Others] }
  ? Both<FromSchema<First>, AllOf<{ readonly allOf: Others }>>
  : unknown;

/** Values that match at least one of the schemas. */
type OneOf<S> = S extends { readonly anyOf: readonly (infer A)[] } | { readonly oneOf: readonly (infer A)[] }
  ? FromSchema<A>
  : unknown;

/** `&`, displayed as one object. */
type Both<A, B> = unknown extends A ? B : unknown extends B ? A : A & B extends object ? Simplify<A & B> : A & B;

type TypeOf<T, S> = T extends keyof TypeNames
  ? TypeNames[T]
  : T extends 'array'
    ? ArrayOf<S>
    : T extends 'object'
      ? ObjectOf<S>
      : string extends T
        ? WriteAsConstAfterTheSchema
        : unknown;

type ArrayOf<S> = S extends { readonly prefixItems: infer I extends readonly unknown[] }
  ? TupleOf<I, S>
  : S extends { readonly items: infer I }
    ? I extends readonly unknown[]
      ? TupleOf<I, S>
      : FromSchema<I>[]
    : unknown[];

/** Items by position: all are present if `minItems` requires it, and there are no further ones if they are refused. */
type TupleOf<I extends readonly unknown[], S> = [
  ...(S extends { readonly minItems: I['length'] } ? ItemsOf<I> : Partial<ItemsOf<I>>),
  ...(S extends { readonly additionalItems: false } | { readonly items: false } | { readonly maxItems: I['length'] }
    ? []
    : unknown[]),
];

type ItemsOf<I extends readonly unknown[]> = { -readonly [K in keyof I]: FromSchema<I[K]> };

/** Patterns that match every name, as TypeBox writes records. */
type AnyName = '^.*$' | '^(.*)$';

type ObjectOf<S> = S extends { readonly properties: infer P }
  ? Simplify<
      { -readonly [K in keyof P as K extends RequiredOf<S> ? K : never]: FromSchema<P[K]> } & {
        -readonly [K in keyof P as K extends RequiredOf<S> ? never : K]?: FromSchema<P[K]>;
      }
    >
  : S extends { readonly patternProperties: infer P; readonly additionalProperties: false }
    ? Record<string, FromSchema<P[keyof P]>>
    : S extends { readonly patternProperties: { readonly [K in AnyName]?: infer V } }
      ? Record<string, FromSchema<V>>
      : S extends { readonly additionalProperties: infer A }
        ? Record<string, A extends object ? FromSchema<A> : unknown>
        : Record<string, unknown>;

type RequiredOf<S> = S extends { readonly required: readonly (infer R)[] } ? R : never;

/** One type for the values of all versions: a member that some versions do not have, or do not require, is optional. */
export type OfAllVersions<V> =
  LacksConst<V> extends true
    ? V
    : [V] extends [readonly unknown[] | Date]
      ? V
      : [V] extends [object]
        ? Simplify<
            { [K in Exclude<MemberOf<V>, OptionalIn<V>>]: OfAllVersions<ValueOf<V, K>> } & {
              [K in OptionalIn<V>]?: OfAllVersions<ValueOf<V, K>>;
            }
          >
        : V;

type MemberOf<V> = V extends unknown ? keyof V : never;
/** Members that at least one of the types does not require. */
type OptionalIn<V> = MemberOf<V> extends infer K ? (K extends PropertyKey ? NotRequired<V, K> : never) : never;
type NotRequired<V, K extends PropertyKey> = V extends Record<K, unknown> ? never : K;
type ValueOf<V, K> = V extends unknown ? (K extends keyof V ? V[K] : never) : never;
