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

/** What a client asked for. */
export interface PageRequest {
  /** How many items at most; 0 is an empty page. */
  readonly limit: number;
  /** The id of the last item the client has seen. */
  readonly marker: string | null;
  /** How many items to leave out. */
  readonly offset: number;
}

/** The page of items, with the link to the next one. */
export interface Page<T> {
  readonly items: readonly T[];
  /** `[{ rel: 'next', href }]` when the page is full, else empty. */
  readonly links: readonly PageLink[];
}

/** A link between pages. */
export interface PageLink {
  readonly rel: 'next';
  readonly href: string;
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

/**
 * Cuts a page out of all items, which must stand in a total order. Throws a `Fault` 400 for an unknown marker: an
 * empty page would look like the end.
 */
export function cutPage<T>(
  request: PageRequester,
  items: readonly T[],
  idOf: (item: T) => string,
  options: PageOptions = {},
): Page<T> {
  const { limit, marker, offset } = pageRequest(request, options);
  const seen = marker === null ? -1 : items.findIndex((item) => idOf(item) === marker);
  if (marker !== null && seen < 0) throw unknownMarker(marker);
  const start = seen + 1 + offset;
  return pageOf(request, items.slice(start, start + limit), idOf, limit);
}

/** How a collection is shown, and paged. */
export interface CollectionPageOptions<T> extends PageOptions {
  /** The member of an item that a marker names. Default `id`. */
  readonly marker?: (keyof T & string) | undefined;
  /** What an item looks like. Default: as it is. */
  readonly show?: ((item: T) => unknown) | undefined;
}

/**
 * The answer to a list request, by pages: `{ flavors: […] }`, and `flavors_links` where there may be a next page. Throws
 * as {@link cutPage} does.
 */
export function collectionPage<T extends object>(
  request: PageRequester,
  name: string,
  items: readonly T[],
  options: CollectionPageOptions<T> = {},
): Record<string, unknown> {
  const { marker = 'id' as keyof T & string, show = (item) => item } = options;
  const page = cutPage(request, items, (item) => String(item[marker]), options);
  return {
    [name]: page.items.map((item) => show(item)),
    ...(page.links.length > 0 && { [`${name}_links`]: page.links }),
  };
}

/** A page that a store has cut already, `limit` items at most. */
export function pageOf<T>(
  request: PageRequester,
  items: readonly T[],
  idOf: (item: T) => string,
  limit: number,
): Page<T> {
  const last = items.at(-1);
  const full = last !== undefined && items.length === limit;
  return { items, links: full ? [{ rel: 'next', href: nextHref(request, idOf(last)) }] : [] };
}

/** The fault for a marker that is no item's id. */
export function unknownMarker(marker: string): Fault {
  return new Fault(400, { message: `marker [${quoteClient(marker)}] not found` });
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
type AnyRequest = Pick<ActionRequest, 'url' | 'environ'>;

/** A link in an answer. */
export interface ResourceLink {
  readonly rel: string;
  readonly href: string;
}

/** `self`, the absolute URL of the named route, and `bookmark`, the one without the version. */
export function resourceLinks(request: AnyRequest, route: string, values: UrlValues): ResourceLink[] {
  const self = request.url(route, values);
  return [
    { rel: 'self', href: self },
    { rel: 'bookmark', href: withoutPrefix(request, self) },
  ];
}

/** The URL of the named route without the prefix the app is mounted at (`/v2.1`): one that outlives versions. */
export function bookmarkUrl(request: AnyRequest, route: string, values: UrlValues): string {
  return withoutPrefix(request, request.url(route, values));
}

function withoutPrefix(request: AnyRequest, url: string): string {
  return url.replace(`${request.environ.scriptName}/`, '/');
}
