/**
 * What a list can be sorted by, as a table.
 */
import { valueAt } from './member-path.js';

/** The keys clients may name, and the order they ask for. */
export interface SortKeys<R> {
  /** For the `enum` of a query's schema. */
  readonly names: readonly string[];
  /**
   * By several keys, each `asc` or `desc`; the last direction holds for the keys that have none. Null comes before
   * everything; equal items keep their order.
   */
  sort(items: readonly R[], keys: readonly string[], directions: readonly string[]): R[];
}

/**
 * Sort keys from a table: `name`, or `name=member` where the record calls it otherwise, or `name=member.member`.
 * `sortKeys<Flavor>('flavorid=id name memory_mb=ram')`.
 */
export function sortKeys<R extends object>(table: string): SortKeys<R> {
  const paths = new Map(table.split(/\s+/).map((word) => [word.split('=')[0]!, word.split('=').at(-1)!.split('.')]));
  return {
    names: [...paths.keys()],
    sort: (items, keys, directions) => {
      const order = keys.map((key, index) => ({
        path: paths.get(key) ?? [key],
        sign: (directions[index] ?? directions.at(-1)) === 'desc' ? -1 : 1,
      }));
      return items.toSorted((left, right) => {
        for (const { path, sign } of order) {
          const difference = compare(valueAt(left, path) as Sortable, valueAt(right, path) as Sortable);
          if (difference !== 0) return sign * difference;
        }
        return 0;
      });
    },
  };
}

type Sortable = string | number | boolean | null;

function compare(a: Sortable, b: Sortable): number {
  if (a === b) return 0;
  return a === null || (b !== null && a < b) ? -1 : 1;
}
