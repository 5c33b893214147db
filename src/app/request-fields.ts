/**
 * The kinds of a request's header fields, as bits, found in one walk: a filter reads the headers only if it finds a bit of its kinds. They are
 * known until other code takes the headers, which could change them; then all bits are set.
 */
import { channel } from 'node:diagnostics_channel';
import { type IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { type ForwardingFamily, forwardingFamily } from '../text/index.js';
import { EXCHANGE, type Exchange, exchangeOf } from './exchange.js';
import { replaceRawHeaders, setRawHeaders } from './header-fields.js';

/**
 * Kinds of fields. The first six determine the client, or the end of the request: a request has each at most once. Members, not constants:
 * other files have other names for a token or a host.
 */
export const FIELD = Object.freeze({
  HOST: 1,
  LENGTH: 2,
  CODING: 4,
  AUTHORIZATION: 8,
  TOKEN: 16,
  SERVICE_TOKEN: 32,
  UNIQUE: 63,
  /** `Forwarded` (RFC 7239). */
  FORWARDED: 128,
  /** `X-Forwarded-*` and `X-Real-*`. */
  X_FORWARDED: 32_768,
  VIA: 65_536,
  /** Reported by proxies: the last three. */
  FORWARDING: 98_432,
  /** The id of the caller's request. */
  REQUEST_ID: 4096,
  /** The type of the body, and its coding. */
  TYPE: 8192,
  CONTENT_CODING: 16_384,
  /** The media types that the client accepts. */
  ACCEPT: 131_072,
  /** May pass an identity to applications. */
  IDENTITY: 256,
  /** With an underscore in its name: WSGI and CGI cannot distinguish it from one with a hyphen, which may be of any kind. */
  UNDERSCORE: 512,
  /** With a name that is not a token (RFC 9110 §5.1): the parser of Node 20.19.0 accepts blanks and empty names. */
  MALFORMED: 1024,
  REPEATED: 2048,
});

const NAMES: ReadonlyMap<string, number> = new Map([
  ['host', FIELD.HOST],
  ['content-length', FIELD.LENGTH],
  ['transfer-encoding', FIELD.CODING],
  ['authorization', FIELD.AUTHORIZATION],
  ['x-auth-token', FIELD.TOKEN],
  ['x-service-token', FIELD.SERVICE_TOKEN],
  ['accept', FIELD.ACCEPT],
  ['content-type', FIELD.TYPE],
  ['content-encoding', FIELD.CONTENT_CODING],
]);
/** Kinds of which an exchange has values. */
const IN_EXCHANGE = FIELD.HOST | FIELD.LENGTH | FIELD.CODING | FIELD.TOKEN | FIELD.TYPE;
const FORWARDING: Readonly<Record<ForwardingFamily, number>> = {
  forwarded: FIELD.FORWARDED,
  'x-forwarded': FIELD.X_FORWARDED,
  via: FIELD.VIA,
};
const IDENTIFIES =
  /^(?:x-(?:service-)?(?:user|project|domain|role|identity|is-admin|catalog|tenant|group)|openstack-system)/;

/** Returns the kind of a field; 0 for any other. */
export function kindOfField(written: string): number {
  const name = written.toLowerCase();
  const kind = NAMES.get(name);
  if (kind !== undefined) return kind;
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) return FIELD.MALFORMED;
  if (name.includes('_')) return FIELD.UNDERSCORE;
  const family = forwardingFamily(name);
  if (family !== undefined) return FORWARDING[family];
  if (name.endsWith('request-id')) return FIELD.REQUEST_ID;
  return IDENTIFIES.test(name) ? FIELD.IDENTITY : 0;
}

/**
 * Of the last request's field at each index: its name, that name in lower case, and its kind. Nearly all requests of an API have the same fields
 * in the same order: to compare a name takes 0.01 µs, to look up a new text or to change its case 0.04.
 */
export const lastFields: {
  readonly names: string[];
  readonly lowerCased: string[];
  readonly kinds: number[];
} = { names: [], lowerCased: [], kinds: [] };

/** Fields of a request that are remembered. */
const PLACES = 32;

/** Keeps the name of a field. */
export function noteField(place: number, name: string, kind: number): void {
  if (place >= PLACES) return;
  lastFields.names[place] = name;
  lastFields.lowerCased[place] = name.toLowerCase();
  lastFields.kinds[place] = kind;
}

/** Returns the name of the raw field at an index in lower case. */
function nameAt(raw: readonly string[], at: number): string {
  const name = raw[at]!;
  const place = at >> 1;
  return name === lastFields.names[place] ? lastFields.lowerCased[place]! : name.toLowerCase();
}

const headers = Object.getOwnPropertyDescriptor(IncomingMessage.prototype, 'headers');

/** False with a Node in which nothing can be called when the headers are taken. */
export const seesHeadersTaken = headers?.get !== undefined;

/** Returns the headers, to be read only. */
export function readHeaders(exchange: Exchange): IncomingHttpHeaders {
  const { req, fieldKinds: kinds } = exchange;
  const { headers: read } = req;
  exchange.fieldKinds = kinds;
  return read;
}

/**
 * Returns the value of a field whose values are joined by commas, as the headers have it: its `name`, in lower case, is not one of those that Node
 * takes once, and not `cookie`. Makes no headers of a request that has none yet.
 */
export function readField({ req, fieldKinds: kinds }: Exchange, name: string): string | undefined {
  if (kinds < 0) return req.headers[name] as string | undefined;
  const { rawHeaders: raw } = req;
  let value: string | undefined;
  for (let at = 0; at < raw.length; at += 2) {
    if (raw[at]!.length !== name.length || nameAt(raw, at) !== name) continue;
    value = value === undefined ? raw[at + 1]! : `${value}, ${raw[at + 1]!}`;
  }
  return value;
}

/**
 * Removes the fields for whose names, in lower case, `isMeant` returns true. The headers are not made for it, and those that are made later are
 * made without these fields: V8 makes a hash table of an object from which properties are deleted, and all code that reads it takes longer. The
 * kinds that are known stay so, unless the exchange has a value of a removed field.
 */
export function removeFields(exchange: Exchange, isMeant: (name: string) => boolean): void {
  const { req, fieldKinds: kinds } = exchange;
  const { rawHeaders: raw } = req;
  const kept: string[] = [];
  let isKnown = kinds >= 0;
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = nameAt(raw, at);
    if (!isMeant(name)) kept.push(raw[at]!, raw[at + 1]!);
    else if (isKnown) isKnown = ((NAMES.get(name) ?? 0) & IN_EXCHANGE) === 0;
  }
  const isSent = kept.length < raw.length;
  if (kinds < 0) {
    // Other code may have set what the raw headers do not have.
    if (!isSent && !Object.keys(req.headers).some(isMeant)) return;
    req.headers = without(req.headers, [isMeant]);
    replaceRawHeaders(req, kept);
  } else if (isSent) {
    const { sent, removed } = exchange.leftOut ?? { sent: raw, removed: [] };
    exchange.leftOut = { sent, removed: [...removed, isMeant] };
    setRawHeaders(req, kept);
    // Its own, for a request whose prototype another framework changes.
    Object.defineProperty(req, 'headers', MADE_WITHOUT);
    if (!isKnown) exchange.fieldKinds = -1;
  }
}

function without(all: IncomingHttpHeaders, removed: readonly ((name: string) => boolean)[]): IncomingHttpHeaders {
  const kept: IncomingHttpHeaders = {};
  for (const name of Object.keys(all)) if (!removed.some((isMeant) => isMeant(name))) kept[name] = all[name];
  return kept;
}

/** One for all requests of which fields are removed. */
const MADE_WITHOUT: PropertyDescriptor = {
  configurable: true,
  get(this: IncomingMessage) {
    const exchange = exchangeOf(this);
    const { leftOut: left, req } = exchange;
    exchange.fieldKinds = -1;
    if (left !== undefined) {
      exchange.leftOut = undefined;
      // The request itself has them, also for an object that inherits from it.
      const { rawHeaders: kept } = req;
      // Node has stored their number.
      req.rawHeaders = left.sent;
      const all = headers!.get!.call(req) as IncomingHttpHeaders;
      req.rawHeaders = kept;
      headers!.set!.call(req, without(all, left.removed));
    }
    return headers!.get!.call(this) as IncomingHttpHeaders;
  },
  set(this: IncomingMessage, value: IncomingHttpHeaders) {
    Object.assign(exchangeOf(this), { fieldKinds: -1, leftOut: undefined });
    headers!.set!.call(this, value);
  },
};

/** Returns the declared length of the body of a request: -1 for one in chunks, NaN for a malformed length. */
export function bodyLengthOf({ req, fieldKinds: kinds, bodyLength: known }: Exchange): number {
  if (kinds >= 0) return known;
  const { 'transfer-encoding': coding, 'content-length': length = '0' } = req.headers;
  if (coding !== undefined) return -1;
  return /^\d+$/.test(length) ? Number(length) : Number.NaN;
}

/** Reports whether the body of a request has a `Content-Encoding`, as a compressed one has (RFC 9110 §8.4). */
export function isEncoded({ headers: { 'content-encoding': coding } }: IncomingMessage): boolean {
  return coding !== undefined && coding.trim().toLowerCase() !== 'identity';
}

/** Forgets the kinds of a request, because code takes it that may change its prototype. */
export function forgetFields(req: IncomingMessage): void {
  exchangeOf(req).fieldKinds = -1;
}

/** The class of the requests of a `Server`. */
export class ServedRequest extends IncomingMessage {
  /** Null: Node has made the response, and looks for `Expect` next. */
  declare [EXCHANGE]: Exchange | null | undefined;
}

/** True if this Node reads the headers for `Expect`; undefined until they are first read after a response was made. */
let nodeLooks: boolean | undefined;

/** Reports whether the code that reads the headers now is Node's. */
function isNodesRead(): boolean {
  const [, , , reader = ''] = String(new Error('read').stack).split('\n');
  return reader.includes('node:_http_server');
}

/** Subscribers get the request before Node looks for `Expect`, and may read any header. */
const subscribed = channel('http.server.request.start');

/**
 * Called when Node has made the response of a request. Its next read of the headers is its own, for `Expect`; without that field it need not make
 * them, which takes 0.4 µs for four fields: the guard reads the raw ones, and most applications none. `lib/_http_server.js`: `parserOnIncoming`,
 * which does not look in HTTP/1.0, and reads the raw fields itself from 26.12 on.
 */
export function looksForExpect(req: IncomingMessage): void {
  const { [EXCHANGE]: known, httpVersionMajor: major, httpVersionMinor: minor } = req as ServedRequest;
  // Known: code of an application makes a second response, as `new res.constructor(req)`.
  if (nodeLooks !== false && known === undefined && major === 1 && minor === 1 && !subscribed.hasSubscribers)
    (req as ServedRequest)[EXCHANGE] = null;
}

const NO_HEADERS: IncomingHttpHeaders = Object.freeze({ expect: undefined });

if (headers?.get !== undefined) {
  const { get, set } = headers as { get(): IncomingHttpHeaders; set(value: IncomingHttpHeaders): void };
  Object.defineProperty(ServedRequest.prototype, 'headers', {
    ...headers,
    get(this: ServedRequest) {
      const exchange = this[EXCHANGE];
      if (exchange === null) {
        this[EXCHANGE] = undefined;
        nodeLooks ??= isNodesRead();
        if (!nodeLooks) return get.call(this);
        const { rawHeaders: raw } = this;
        let at = 0;
        while (at < raw.length && (raw[at]!.length !== 6 || raw[at]!.toLowerCase() !== 'expect')) at += 2;
        if (at >= raw.length) return NO_HEADERS;
      } else if (exchange !== undefined) exchange.fieldKinds = -1;
      return get.call(this);
    },
    set(this: ServedRequest, value: IncomingHttpHeaders) {
      const exchange = this[EXCHANGE];
      if (exchange != null) exchange.fieldKinds = -1;
      set.call(this, value);
    },
  });
}
