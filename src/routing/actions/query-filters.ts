/**
 * What the parameters of a list look for, as a table.
 */
import type { ActionRequest } from './action-request.js';
import { anyText, type Members, members } from './schema-words.js';

/** Makes of a parameter's text what decides about an item. Throws a `Fault` 400 for a text that cannot be. */
export type QueryFilter<T, R = FilteredRequest> = (text: string, request: R) => (item: T) => boolean;

/** Any `ActionRequest`, whatever its path variables, body and query. */
type FilteredRequest = Pick<ActionRequest, 'queryValue' | 'apiVersion' | 'context'>;

/** The parameters, and what they select. */
export interface QueryFilters<T, R> {
  /** For `querySince`: every parameter is a text, from the version that knows it. */
  readonly members: Readonly<Record<string, Members>>;
  /** The items that every parameter of the request selects; those its version does not know are not looked at. */
  select(request: R, items: readonly T[]): T[];
}

/**
 * Filters by the version from which they are known:
 *
 * ```ts
 * const filters = queryFilters<Server>({ '2.1': { name: (text) => ({ name }) => name === text }, '2.26': tagFilters(tagsOf) });
 * ```
 */
export function queryFilters<T, R extends FilteredRequest = ActionRequest>(
  table: Readonly<Record<string, Readonly<Record<string, QueryFilter<T, R>>>>>,
): QueryFilters<T, R> {
  const sections = Object.entries(table);
  return {
    members: Object.fromEntries(
      sections.map(([since, filters]) => [since, members(Object.keys(filters).join(' '), anyText)]),
    ),
    select: (request, items) => {
      const asked = sections
        .filter(([since]) => request.apiVersion.atLeast(since))
        .flatMap(([, all]) => Object.entries(all));
      const filters = asked.flatMap(([name, filter]) => {
        const text = request.queryValue(name);
        return text === undefined ? [] : [filter(text, request)];
      });
      return items.filter((item) => filters.every((filter) => filter(item)));
    },
  };
}
