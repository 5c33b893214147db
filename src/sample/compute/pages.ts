/** Order, pages, and the link to the next page. */
import { type Call, refuse } from './call.js';
import type { View } from './fields.js';

/** What lists are sorted by; null comes before everything. */
export type SortKey<R> = (item: R) => string | number | null;

/** By several keys, each `asc` or `desc`; equal items keep their order. */
export function sorted<R>(items: readonly R[], keys: readonly (readonly [SortKey<R>, direction: string])[]): R[] {
  return items.toSorted((left, right) => {
    for (const [key, direction] of keys) {
      const [a, b] = direction === 'asc' ? [key(left), key(right)] : [key(right), key(left)];
      if (a !== b) return a === null || (b !== null && a < b) ? -1 : 1;
    }
    return 0;
  });
}

/** `limit` or `offset` of the query, at most `most`. 400 when it is not a number. */
export function count(call: Call, parameter: string, otherwise: number, most: number): number {
  const text = call.query(parameter) ?? String(otherwise);
  return /^\d+$/.test(text) ? Math.min(Number(text), most) : refuse(400, `${parameter} is not a number: ${text}`);
}

/**
 * One page of a list: `{flavors: […], flavors_links: […]}`. `limit` above `max_limit`, and none, mean `max_limit`. The
 * next page is linked whenever as many items were found as asked for: to know that these were the last, one would have
 * to look further. 400 for a marker that is not in `all`.
 */
export function page<R>(call: Call, name: string, all: readonly R[], show: View<R>, id: keyof R & string): object {
  const limit = count(call, 'limit', call.settings.maxLimit, call.settings.maxLimit);
  const [marker, ids] = [call.query('marker'), all.map((item) => String(item[id]))];
  const seen = marker === undefined ? -1 : ids.indexOf(marker);
  if (marker !== undefined && seen < 0) refuse(400, `marker [${marker}] not found`);
  const shown = all.slice(seen + 1, seen + 1 + limit).map((item) => show(item, call));
  const full = shown.length > 0 && shown.length === limit;
  const links = full ? { [`${name}_links`]: [{ rel: 'next', href: call.nextPage(ids[seen + limit]!) }] } : {};
  return { [name]: shown, ...links };
}
