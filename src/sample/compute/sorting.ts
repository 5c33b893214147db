/** Lists in the order that a client asks for. */

/** A value that has an order. Null comes before everything. */
type Sortable = string | number | boolean | null;

/** What a list can be sorted by: how the value of each key is read. */
export type SortKeys<R> = Readonly<Record<string, (record: R) => Sortable>>;

/** Sorts by several keys, each `asc` or `desc`; the last direction holds for the keys that have none. */
export function sorted<R>(
  records: readonly R[],
  sortKeys: SortKeys<R>,
  keys: readonly string[],
  directions: readonly string[],
): R[] {
  return records.toSorted((left, right) => {
    for (const [index, key] of keys.entries()) {
      const difference = compare(sortKeys[key]!(left), sortKeys[key]!(right));
      const descending = (directions[index] ?? directions.at(-1)) === 'desc';
      if (difference !== 0) return descending ? -difference : difference;
    }
    return 0;
  });
}

function compare(a: Sortable, b: Sortable): number {
  if (a === b) return 0;
  return a === null || (b !== null && a < b) ? -1 : 1;
}
