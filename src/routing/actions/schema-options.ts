/**
 * Schemas and statuses of an action, one or by version, and the types of their values.
 */
import type { WrittenRange } from '../api-version.js';
import type { FromSchema, OfAllVersions, Schema, WithDefaults } from './schema.js';

/** One of several values, each for a range of versions. Ranges of one action must not overlap. */
export interface Versioned<T> {
  readonly versions: WrittenRange;
  readonly schema: T;
}

/** Values by the version from which they apply, in ascending order; each up to the next one. */
export type Since<T> = Readonly<Record<`${number}.${number}`, T>>;

/** One schema, or one for each range of versions; in code also by the version from which it applies. */
export type Schemas = Schema | readonly Versioned<Schema>[];

/** A status, or one for each range of versions. */
export type Statuses = number | readonly { readonly versions: WrittenRange; readonly status: number }[];

/** Type of a schema's values, or of those by version; `Defaults`: the defaults of a JSON Schema are applied. */
export type SchemaType<S, Defaults = false> = S extends readonly (infer V)[]
  ? V extends { readonly schema: infer One }
    ? OfAllVersions<ValueOf<One, Defaults>>
    : unknown
  : S extends undefined
    ? unknown
    : [keyof S] extends [`${number}.${number}`]
      ? OfAllVersions<ValueOf<S[keyof S], Defaults>>
      : ValueOf<S, Defaults>;

/** Type of the values of one schema: the output of a Standard Schema, the type of TypeBox. */
export type ValueOf<S, Defaults = false> = S extends { readonly '~standard': { readonly types?: infer T } }
  ? NonNullable<T> extends { readonly output: infer Output }
    ? Output
    : unknown
  : S extends { readonly static: infer Static }
    ? Static
    : Defaults extends true
      ? WithDefaults<S>
      : FromSchema<S>;
