/**
 * Values by the version from which they hold: `{ '2.1': old, '2.19': newer }`.
 */
import { ApiVersion, type WrittenRange } from '../versions/api-version.js';

/** Values by the version from which they hold, in order; each up to the one before the next. */
export type Since<T> = Readonly<Record<`${number}.${number}`, T>>;

/** Whether an object's keys are versions. */
export function isSince(value: unknown): value is Since<unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const keys = Object.keys(value);
  return keys.length > 0 && keys.every((key) => ApiVersion.parse(key) !== null);
}

/** Each value with its range of versions. Throws a `RangeError` when they do not ascend. */
export function rangesSince<T>(values: Since<T>): { readonly versions: WrittenRange; readonly value: T }[] {
  const entries = Object.entries<T>(values);
  return entries.map(([from, value], index) => {
    const next = entries[index + 1]?.[0];
    if (next === undefined) return { versions: [from], value };
    if (ApiVersion.of(next).compare(ApiVersion.of(from)) <= 0) {
      throw new RangeError(`values by version: ${next} stands after ${from}; put the lower version first`);
    }
    return { versions: [from, before(next)], value };
  });
}

/** The last version below one; of a major version's first, the highest of the one before. */
function before(version: string): string {
  const { major, minor } = ApiVersion.of(version);
  return minor > 0 ? `${major}.${minor - 1}` : `${major - 1}.999999999`;
}
