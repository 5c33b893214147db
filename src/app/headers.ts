/**
 * Header fields in the forms in which Node keeps and takes them.
 */
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
 * The headers that can be sent, as pairs. One with an illegal name or value is left out: it came with an error, and
 * a second error while answering the first would leave the client without any answer.
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

/** Names to values, or names and values in turn. */
export type HeadersArgument = OutgoingHttpHeaders | OutgoingHttpHeader[] | undefined;

/**
 * Sets the headers given to `writeHead`, as Node itself does when `setHeader` was used before: each name replaces what
 * was set, and an array of names and values may repeat a name.
 */
export function foldHeaders(res: ServerResponse, headers: HeadersArgument): void {
  if (headers === undefined || headers === null) return;
  if (!Array.isArray(headers)) {
    for (const name of Object.keys(headers)) res.setHeader(name, headers[name] as OutgoingHttpHeader);
    return;
  }
  // Node also takes an array of pairs, though its manual does not say so.
  const flat = Array.isArray(headers[0]) ? (headers.flat() as OutgoingHttpHeader[]) : headers;
  for (let at = 0; at < flat.length; at += 2) res.removeHeader(String(flat[at]));
  for (let at = 0; at < flat.length; at += 2) {
    res.appendHeader(String(flat[at]), flat[at + 1] as string | readonly string[]);
  }
}

/**
 * Puts other raw headers, names and values in turn, in the place of those that came. `headers` is left to the caller.
 *
 * Node remembers how many there were when it parsed them, and its `headersDistinct` would read beyond a shorter list; so
 * that is made from the list itself from now on.
 */
export function replaceRawHeaders(req: IncomingMessage, rawHeaders: string[]): void {
  // A getter of Node's fills `headers` from the raw ones on first use, counting in the same way.
  void req.headers;
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
