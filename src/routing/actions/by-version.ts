/** Values of an action for ranges of versions: schemas, statuses, checks. */

import { isObject, withCode } from '../../errors/index.js';
import { ApiVersion, EVERY_VERSION, rangesOverlap, rangeText, type VersionRange } from '../api-version.js';
import { RouteError } from '../route/route-error.js';
import type { FromSchema, OfAllVersions, Schema, WithDefaults } from './schema.js';

/** Values by version; most have one for all versions. */
export interface ByVersion<T> {
  readonly range: VersionRange;
  readonly value: T;
}

/** Returns what is written for all versions, or by the version from which it applies. Throws a `RangeError` if these do not ascend. */
export function byVersion<T = Schema>(written: T | Since<T> | undefined): readonly ByVersion<T>[] {
  if (written === undefined) return [];
  if (!isSince(written)) return [{ range: EVERY_VERSION, value: written }];
  const entries = Object.entries(written as Since<T>).map(([from, value]) => ({ from: ApiVersion.of(from), value }));
  return entries.map(({ from, value }, at) => {
    const next = entries[at + 1]?.from;
    if (next !== undefined && next.compare(from) <= 0) {
      const message = `values by version: ${next.text} comes after ${from.text}; put the lower version first`;
      throw withCode(new RangeError(message), 'PORTICO_ACTION_OPTION');
    }
    return { range: { from, to: next === undefined ? null : before(next) }, value };
  });
}

/** Reports whether an object's keys are versions. */
export function isSince(value: unknown): value is Since<unknown> {
  const keys = isObject(value) ? Object.keys(value) : [];
  return keys.length > 0 && keys.every((key) => ApiVersion.parse(key) !== null);
}

/** Returns the last version below one; for the first of a major version, the highest of the previous one. */
function before({ major, minor }: ApiVersion): ApiVersion {
  return minor > 0 ? new ApiVersion(major, minor - 1) : new ApiVersion(major - 1, 999_999_999);
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

/** Values by the version from which they apply, in ascending order; each up to the next one. */
export type Since<T> = Readonly<Record<`${number}.${number}`, T>>;

/** One schema, or several by the version from which each applies. */
export type Schemas = Schema | Since<Schema>;

/** A status, or several by the version from which each applies. */
export type Statuses = number | Since<number>;

/** Type of a schema's values, or of those by version; `Defaults`: the defaults of a JSON Schema are applied. */
export type SchemaType<S, Defaults = false> = S extends undefined
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
