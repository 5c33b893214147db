/**
 * Queries without a package: for a process that could not load the parser, as when no file can be opened any more.
 */

/**
 * What a request without a query has: nothing, and no prototype, as `fast-querystring` gives it, which says that it is faster
 * than `Object.create(null)`.
 */
export const NoQuery = function NoQuery() {} as unknown as new () => Record<string, never>;
NoQuery.prototype = Object.create(null);

/** The same as `fast-querystring` gives, slower: what is there twice is a list, and an escape that means nothing stays. */
export function parseQueryPlainly(text: string): Record<string, string | string[]> {
  const query: Record<string, string | string[]> = new NoQuery();
  for (const pair of text.split('&')) {
    if (pair === '') continue;
    const mark = pair.indexOf('=');
    const name = unescaped(mark < 0 ? pair : pair.slice(0, mark));
    const value = mark < 0 ? '' : unescaped(pair.slice(mark + 1));
    const before = query[name];
    if (before === undefined) query[name] = value;
    else if (typeof before === 'string') query[name] = [before, value];
    else before.push(value);
  }
  return query;
}

function unescaped(text: string): string {
  const spaced = text.replaceAll('+', ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}
