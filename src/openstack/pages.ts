/**
 * Lists by pages: limit and marker, and the link to the next page.
 */
import { Fault, quoteClient } from '../app/index.js';
import type { ActionRequest, UrlValues } from '../routing/index.js';

/** How a collection is paged. */
export interface PageOptions {
  /** The largest page, and the size where none is asked for. Default 1000. */
  readonly maxLimit?: number | undefined;
  /** Read `offset` too. Default false. */
  readonly offset?: boolean | undefined;
  /** Read `page_size` too, another name for `limit`. Default false. */
  readonly pageSize?: boolean | undefined;
}

/** The page that a client asked for. */
export interface PageRequest {
  /** How many items at most; 0 is an empty page. */
  readonly limit: number;
  /** The id of the last item the client has seen. */
  readonly marker: string | null;
  /** How many items to leave out. */
  readonly offset: number;
}

/** Any `ActionRequest`, whatever its path variables, body and query. */
export type PageRequester = Pick<ActionRequest, 'queryValue' | 'url' | 'req'>;

const DEFAULT_LIMIT = 1000;

/** The page a request asks for. Throws a `Fault` 400 for a text that is not a number, or below zero. */
export function pageRequest(request: PageRequester, options: PageOptions = {}): PageRequest {
  const { maxLimit = DEFAULT_LIMIT, offset: withOffset = false, pageSize = false } = options;
  const asked = wholeNumber(request, 'limit') ?? (pageSize ? wholeNumber(request, 'page_size') : undefined);
  return {
    limit: Math.min(asked ?? maxLimit, maxLimit),
    marker: request.queryValue('marker') ?? null,
    offset: (withOffset ? wholeNumber(request, 'offset') : undefined) ?? 0,
  };
}

/** How a collection is shown, and paged. */
export interface CollectionPageOptions<T, V = unknown> extends PageOptions {
  /** The member of an item that a marker names. Default `id`. */
  readonly marker?: (keyof T & string) | undefined;
  /** Renders an item. Default: unchanged. */
  readonly show?: ((item: T) => V) | undefined;
  /**
   * True: the items are the page already: those after `marker`, and `limit` of them at most, never one more to see whether there is a
   * next page. `limit` and `marker` are those of {@link pageRequest} with the same options. Default false: the items are the whole list.
   */
  readonly isCut?: boolean | undefined;
}

/** A page: the items under the name of the collection, and a link where there may be a next page. */
export type CollectionPage<N extends string, V> = { readonly [K in N]: readonly V[] } & {
  readonly [K in `${N}_links`]?: readonly ResourceLink[];
};

/**
 * A page of a list: `{ flavors: […] }`, with `flavors_links` if there may be a next page. The items must be in a total order.
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

/** The request's own URL with its parameters sorted; a new marker takes the old one's place, else it comes last. */
function nextHref(request: PageRequester, marker: string): string {
  const url = request.req.url ?? '/';
  const mark = url.indexOf('?');
  const query = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1));
  query.sort();
  query.set('marker', marker);
  return `${request.url()}?${query.toString()}`;
}

/** Any request, whatever its parameters, body and query. */
export type LinkRequester = Pick<ActionRequest, 'url' | 'environ'>;

/** A link in an answer. */
export interface ResourceLink {
  readonly rel: string;
  readonly href: string;
}

/** `self`, the absolute URL of the named route, and `bookmark`, the one without the prefix the app is mounted at (`/v2.1`). */
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
