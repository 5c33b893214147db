/** Order and pages. */
import { cutPage } from 'portico/routing';
import type { Call } from './call.js';
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

/** One page of a list: `{flavors: […], flavors_links: […]}`. */
export function page<R>(call: Call, name: string, all: readonly R[], show: View<R>, id: keyof R & string): object {
  const { items, links } = cutPage(call.request, all, (item) => String(item[id]), { maxLimit: call.settings.maxLimit });
  return { [name]: items.map((item) => show(item, call)), ...(links.length > 0 && { [`${name}_links`]: links }) };
}
