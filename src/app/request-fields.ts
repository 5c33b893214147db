/**
 * The kinds of a request's header fields, as bits, found in one walk: a filter reads the headers only if it finds a bit of its kinds. They are
 * known until other code takes the headers, which could change them; then all bits are set.
 */
import { type IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { EXCHANGE, type Exchange, exchangeOf } from './exchange.js';

/** Kinds of fields. The first six determine the client, or the end of the request: a request has each at most once. */
export const HOST = 1;
export const LENGTH = 2;
export const CODING = 4;
const AUTHORIZATION = 8;
export const TOKEN = 16;
const SERVICE_TOKEN = 32;
export const UNIQUE = HOST | LENGTH | CODING | AUTHORIZATION | TOKEN | SERVICE_TOKEN;
export const UPGRADE = 64;
/** `Forwarded` (RFC 7239). */
export const FORWARDED = 128;
/** `X-Forwarded-*` and `X-Real-*`. */
export const X_FORWARDED = 32_768;
const VIA = 65_536;
/** Reported by proxies. */
export const FORWARDING = FORWARDED | X_FORWARDED | VIA;
/** The id of the caller's request. */
export const REQUEST_ID = 4096;
/** The type of the body, and its coding. */
export const TYPE = 8192;
export const CONTENT_CODING = 16_384;
/** The media types that the client accepts. */
export const ACCEPT = 131_072;
/** May pass an identity to applications. */
export const IDENTITY = 256;
/** With an underscore in its name: WSGI and CGI cannot distinguish it from one with a hyphen, which may be of any kind. */
export const UNDERSCORE = 512;
/** With a name that is not a token (RFC 9110 §5.1): the parser of Node 20.19.0 accepts blanks and empty names. */
export const MALFORMED = 1024;
export const REPEATED = 2048;

const NAMES: ReadonlyMap<string, number> = new Map([
  ['host', HOST],
  ['content-length', LENGTH],
  ['transfer-encoding', CODING],
  ['authorization', AUTHORIZATION],
  ['x-auth-token', TOKEN],
  ['x-service-token', SERVICE_TOKEN],
  ['upgrade', UPGRADE],
  ['forwarded', FORWARDED],
  ['via', VIA],
  ['accept', ACCEPT],
  ['content-type', TYPE],
  ['content-encoding', CONTENT_CODING],
]);
const X_FORWARDS = /^x-(?:forwarded|real)/;
const IDENTIFIES =
  /^(?:x-(?:service-)?(?:user|project|domain|role|identity|is-admin|catalog|tenant|group)|openstack-system)/;

/** Returns the kind of a field; 0 for any other. */
export function kindOfField(written: string): number {
  const name = written.toLowerCase();
  const kind = NAMES.get(name);
  if (kind !== undefined) return kind;
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) return MALFORMED;
  if (name.includes('_')) return UNDERSCORE;
  if (X_FORWARDS.test(name)) return X_FORWARDED;
  if (name.endsWith('request-id')) return REQUEST_ID;
  return IDENTIFIES.test(name) ? IDENTITY : 0;
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

/** Returns the declared length of the body of a request: -1 for one in chunks, NaN for a malformed length. */
export function bodyLengthOf({ req, fieldKinds: kinds, bodyLength: known }: Exchange): number {
  if (kinds >= 0) return known;
  const { 'transfer-encoding': coding, 'content-length': length = '0' } = req.headers;
  if (coding !== undefined) return -1;
  return /^\d+$/.test(length) ? Number(length) : Number.NaN;
}

/** Forgets the kinds of a request, because code takes it that may change its prototype. */
export function forgetFields(req: IncomingMessage): void {
  exchangeOf(req).fieldKinds = -1;
}

/** The class of the requests of a `Server`. */
export class ServedRequest extends IncomingMessage {
  declare [EXCHANGE]: Exchange | undefined;
}

if (headers?.get !== undefined) {
  const { get, set } = headers as { get(): IncomingHttpHeaders; set(value: IncomingHttpHeaders): void };
  Object.defineProperty(ServedRequest.prototype, 'headers', {
    ...headers,
    get(this: ServedRequest) {
      const exchange = this[EXCHANGE];
      if (exchange !== undefined) exchange.fieldKinds = -1;
      return get.call(this);
    },
    set(this: ServedRequest, value: IncomingHttpHeaders) {
      const exchange = this[EXCHANGE];
      if (exchange !== undefined) exchange.fieldKinds = -1;
      set.call(this, value);
    },
  });
}
