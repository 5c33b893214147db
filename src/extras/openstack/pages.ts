/** Pagination of lists: limit and marker, and the link to the next page. */
import { Fault, quoteClient } from 'portico/app';
import type { ActionRequest, UrlValues } from 'portico/routing';

/** Options of pagination. */
export interface PageOptions {
  /** Maximum and default page size. Default 1000. */
  readonly maxLimit?: number | undefined;
  /** True: also reads `offset`. Default false. */
  readonly offset?: boolean | undefined;
  /** True: also reads `page_size`, another name for `limit`. Default false. */
  readonly pageSize?: boolean | undefined;
}

/** The page that a client requests. */
export interface PageRequest {
  /** Maximum number of items; 0 gives an empty page. */
  readonly limit: number;
  /** The id of the last item that the client has received. */
  readonly marker: string | null;
  /** Number of items to skip. */
  readonly offset: number;
}

/** An `ActionRequest` with any path variables, body and query. */
export type PageRequester = Pick<ActionRequest, 'queryValue' | 'url' | 'req'>;

const DEFAULT_LIMIT = 1000;

/** Returns the page that a request asks for. Throws a `Fault` 400 for a limit or offset that is not a number or is negative. */
export function pageRequest(request: PageRequester, options: PageOptions = {}): PageRequest {
  const { maxLimit = DEFAULT_LIMIT, offset: withOffset = false, pageSize = false } = options;
  const asked = wholeNumber(request, 'limit') ?? (pageSize ? wholeNumber(request, 'page_size') : undefined);
  return {
    limit: Math.min(asked ?? maxLimit, maxLimit),
    marker: request.queryValue('marker') ?? null,
    offset: (withOffset ? wholeNumber(request, 'offset') : undefined) ?? 0,
  };
}

/** Options of a page of a collection. */
export interface CollectionPageOptions<T, V = unknown> extends PageOptions {
  /** The member of an item that markers contain. Default `id`. */
  readonly marker?: (keyof T & string) | undefined;
  /** Returns the representation of an item. Default: the item. */
  readonly show?: ((item: T) => V) | undefined;
  /**
   * True: the items are already one page: only items after `marker`, and at most `limit`, never one more to detect a next page. `limit`
   * and `marker` are from {@link pageRequest} with the same options. Default false: the items are the whole list.
   */
  readonly isCut?: boolean | undefined;
}

/** A page: the items under the collection's name, and a link if there may be a next page. */
export type CollectionPage<N extends string, V> = { readonly [K in N]: readonly V[] } & {
  readonly [K in `${N}_links`]?: readonly ResourceLink[];
};

/**
 * Returns a page of a list: `{ flavors: […] }`, with `flavors_links` if there may be a next page. The items must be in a total order.
 * Throws like {@link pageRequest}, and a `Fault` 400 for an unknown marker, because an empty page would look like the end.
 */
export function collectionPage<const N extends string, T extends object>(
  request: PageRequester,
  name: N,
  items: readonly T[],
  options?: CollectionPageOptions<T> & { readonly show?: undefined },
): CollectionPage<N, T>;
export function collectionPage<const N extends string, T extends object, V>(
  request: PageRequester,
  name: N,
  items: readonly T[],
  options: CollectionPageOptions<T, V>,
): CollectionPage<N, V>;
export function collectionPage<T extends object>(
  request: PageRequester,
  name: string,
  items: readonly T[],
  options: CollectionPageOptions<T> = {},
): object {
  const { marker: member = 'id' as keyof T & string, show = (item) => item, isCut = false } = options;
  const asked = pageRequest(request, options);
  const page = isCut ? items : cutPage(items, (item) => String(item[member]), asked);
  const last = page.at(-1);
  const isFull = last !== undefined && page.length === asked.limit;
  return {
    [name]: page.map((item) => show(item)),
    ...(isFull && { [`${name}_links`]: [{ rel: 'next', href: nextHref(request, String(last[member])) }] }),
  };
}

function cutPage<T>(
  items: readonly T[],
  idOf: (item: T) => string,
  { limit, marker, offset }: PageRequest,
): readonly T[] {
  const seen = marker === null ? -1 : items.findIndex((item) => idOf(item) === marker);
  if (marker !== null && seen < 0) {
    throw new Fault(400, { message: `marker [${quoteClient(marker)}] not found` });
  }
  const start = seen + 1 + offset;
  return items.slice(start, start + limit);
}

function wholeNumber(request: PageRequester, name: string): number | undefined {
  const text = request.queryValue(name);
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  const wanted = /^-\d+$/.test(text) ? 'must not be negative' : 'must be an integer';
  throw new Fault(400, { message: `The query parameter ${name} ${wanted}: ${quoteClient(text)}.` });
}

/** Returns the URL of the request with sorted parameters and the new marker, in place of the old one or at the end. */
function nextHref(request: PageRequester, marker: string): string {
  const url = request.req.url ?? '/';
  const mark = url.indexOf('?');
  const query = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1));
  query.sort();
  query.set('marker', marker);
  return `${request.url()}?${query.toString()}`;
}

/** An `ActionRequest` with any path variables, body and query. */
export type LinkRequester = Pick<ActionRequest, 'url' | 'environ'>;

/** A link in a response. */
export interface ResourceLink {
  readonly rel: string;
  readonly href: string;
}

/** Returns `self`, the absolute URL of the named route, and `bookmark`, the same without the app's mount prefix (`/v2.1`). */
export function resourceLinks(
  request: LinkRequester,
  route: string,
  values: UrlValues,
): [self: ResourceLink, bookmark: ResourceLink] {
  const self = request.url(route, values);
  return [
    { rel: 'self', href: self },
    { rel: 'bookmark', href: self.replace(`${request.environ.scriptName}/`, '/') },
  ];
}
