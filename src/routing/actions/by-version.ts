/** Values of an action for ranges of versions: schemas, statuses, checks. */

import {
  type ApiVersion,
  EVERY_VERSION,
  rangesOverlap,
  rangeText,
  readRange,
  type VersionRange,
  type WrittenRange,
} from '../api-version.js';
import { RouteError } from '../route/route-error.js';
import type { FromSchema, OfAllVersions, Schema, WithDefaults } from './schema.js';

/** Values by version; most have one for all versions. */
export interface ByVersion<T> {
  readonly range: VersionRange;
  readonly value: T;
}

/** Returns the written schemas, each with its range of versions. */
export function schemasByVersion(schemas: Schemas | undefined): readonly ByVersion<Schema>[] {
  return byVersion(schemas as Schema | readonly Versioned<Schema>[] | undefined, ({ schema }) => schema);
}

/** Returns the written statuses, each with its range of versions. */
export function statusesByVersion(statuses: Statuses | undefined): readonly ByVersion<number>[] {
  return byVersion(statuses, ({ status }) => status);
}

function byVersion<T, L extends { readonly versions: WrittenRange }>(
  written: T | readonly L[] | undefined,
  read: (one: L) => T,
): readonly ByVersion<T>[] {
  if (written === undefined) return [];
  if (!Array.isArray(written)) return [{ range: EVERY_VERSION, value: written as T }];
  return (written as readonly L[]).map((one) => ({ range: readRange(one.versions), value: read(one) }));
}

/** Converts each value; their ranges must not overlap. */
export function apart<W, T>(
  what: string,
  written: readonly ByVersion<W>[],
  make: (value: W) => T,
): readonly ByVersion<T>[] {
  const made = written.map(({ range, value }) => ({ range, value: make(value) }));
  refuseOverlap(made, what);
  return made;
}

/** Returns the value for a version; undefined if there is none. Without versions the first one applies. */
export function valueFor<T>(values: readonly ByVersion<T>[], version: ApiVersion | null): T | undefined {
  for (const { range, value } of values) if (version === null || version.within(range)) return value;
  return undefined;
}

/** Refuses values whose ranges overlap. */
export function refuseOverlap(values: readonly { readonly range: VersionRange }[], what: string): void {
  for (const [index, { range }] of values.entries()) {
    const other = values.slice(0, index).find((earlier) => rangesOverlap(earlier.range, range));
    if (other === undefined) continue;
    throw new RouteError('PORTICO_ROUTE_VERSIONS', {
      message: `${what}: the versions ${rangeText(other.range)} and ${rangeText(range)} overlap`,
      hint: 'Serve each version with only one of them.',
    });
  }
}

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
