/** Header fields in the formats that Node stores and accepts, and the cookies in one (RFC 6265 §5.4). */
import {
  type IncomingMessage,
  type OutgoingHttpHeader,
  type OutgoingHttpHeaders,
  type ServerResponse,
  validateHeaderName,
  validateHeaderValue,
} from 'node:http';

type HeaderValue = string | number | readonly string[];

/**
 * Returns the headers that can be sent, as pairs, without those that have an invalid name or value: they come with an error, and a
 * second error in its response would leave the client without one.
 */
export function usableHeaders(
  headers: Readonly<Record<string, HeaderValue | undefined>>,
): [name: string, value: HeaderValue][] {
  const usable: [string, HeaderValue][] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && isUsable(name, value)) usable.push([name, value]);
  }
  return usable;
}

function isUsable(name: string, value: HeaderValue): boolean {
  try {
    validateHeaderName(name);
    for (const one of typeof value === 'object' ? value : [String(value)]) validateHeaderValue(name, one);
    return true;
  } catch {
    return false;
  }
}

/** Adds names to those of a `Vary` (RFC 9110 §12.5.5), each once, regardless of case. Does not change `*`. */
export function joinVary(present: OutgoingHttpHeader | undefined, names: readonly string[]): string {
  const text = [present ?? []].flat().join(', ');
  const list = text.split(',').flatMap((name) => name.trim() || []);
  const known = new Set(list.map((name) => name.toLowerCase()));
  const missing = known.has('*') ? [] : names.filter((name) => !known.has(name.toLowerCase()));
  return missing.length === 0 ? text : [...list, ...missing].join(', ');
}

/**
 * Returns the bytes that a `Content-Length` declares, as a number, whether it was written as a number or a text; -1 without one, or for what is no
 * length.
 */
export function bytesDeclared(length: OutgoingHttpHeader | undefined): number {
  if (typeof length === 'number') return length;
  return length !== undefined && /^\d{1,15}$/.test(String(length)) ? Number(length) : -1;
}

/** Names mapped to values, or names and values in turn. */
export type HeadersArgument = OutgoingHttpHeaders | HeadFields | undefined;

/** Names and values in turn. */
export type HeadFields = (OutgoingHttpHeader | undefined)[];

/**
 * Sets headers given to `writeHead`, as Node does after a `setHeader`: each name replaces an earlier value, and an array of names and
 * values may repeat a name. If Node refuses one of them, none is set.
 */
export function foldHeaders(res: ServerResponse, headers: HeadersArgument): void {
  if (headers === undefined || headers === null) return;
  // Node also accepts an array of pairs, although its documentation does not mention it.
  const given = Array.isArray(headers) && Array.isArray(headers[0]) ? (headers.flat() as HeadFields) : headers;
  // Before the first is set: a header that is removed again changes how Node frames the body.
  if (!Array.isArray(given)) {
    for (const name of Object.keys(given)) checkHeader(name, given[name]);
    for (const name of Object.keys(given)) res.setHeader(name, given[name] as OutgoingHttpHeader);
    return;
  }
  for (let at = 0; at < given.length; at += 2) checkHeader(String(given[at]), given[at + 1]);
  for (let at = 0; at < given.length; at += 2) {
    const name = String(given[at]);
    if (res.hasHeader(name)) res.removeHeader(name);
  }
  for (let at = 0; at < given.length; at += 2) {
    res.appendHeader(String(given[at]), given[at + 1] as string | readonly string[]);
  }
}

/** Throws Node's error for a header that it would refuse. */
export function checkHeader(name: string, value: OutgoingHttpHeader | undefined): void {
  validateHeaderName(name);
  validateHeaderValue(name, value as string);
}

/** Reports whether a header is one text. Node checks several values each, and rejects the bytes that it makes of a file name. */
export function isPlain(name: unknown, value: unknown): name is string {
  return typeof name === 'string' && typeof value !== 'object' && name.toLowerCase() !== 'content-disposition';
}

/** Returns the index of a name among the first entries; -1 if it is missing. */
export function placeOf(fields: Readonly<HeadFields>, name: string, end: number): number {
  for (let at = 0; at < end; at += 2) {
    const other = fields[at] as string;
    if (other === name || (other.length === name.length && other.toLowerCase() === name.toLowerCase())) return at;
  }
  return -1;
}

/** Replaces the raw headers of a request, names and values in turn. The caller updates `headers`. */
export function replaceRawHeaders(req: IncomingMessage, rawHeaders: string[]): void {
  // Node's getter fills `headers` from the raw ones on first access, of which it has stored the number.
  void req.headers;
  setRawHeaders(req, rawHeaders);
}

/**
 * The same for a request of which the caller makes `headers`.
 *
 * Node stores their number when it parses them, and its `headersDistinct` would read beyond a shorter list; from now on that is computed
 * from the list itself.
 */
export function setRawHeaders(req: IncomingMessage, rawHeaders: string[]): void {
  req.rawHeaders = rawHeaders;
  Object.defineProperty(req, 'headersDistinct', DISTINCT);
}

/** One getter for all requests. */
const DISTINCT: PropertyDescriptor = {
  configurable: true,
  get(this: IncomingMessage) {
    return distinct(this.rawHeaders);
  },
};

function distinct(rawHeaders: readonly string[]): NodeJS.Dict<string[]> {
  const headers = Object.create(null) as Record<string, string[]>;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!.toLowerCase();
    headers[name] = [...(headers[name] ?? []), rawHeaders[at + 1]!];
  }
  return headers;
}

/** Returns the cookies by name; the first of several of one name. A value that is no percent-encoded text is unchanged. */
export function cookiesOf(header: string | undefined): Readonly<Record<string, string>> {
  const cookies = Object.create(null) as Record<string, string>;
  for (const pair of header?.split(';') ?? []) {
    const mark = pair.indexOf('=');
    const name = pair.slice(0, mark).trim();
    if (mark > 0 && cookies[name] === undefined) cookies[name] = decoded(pair.slice(mark + 1).trim());
  }
  return cookies;
}

function decoded(written: string): string {
  const value = written.length > 1 && written.startsWith('"') && written.endsWith('"') ? written.slice(1, -1) : written;
  if (!value.includes('%')) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
