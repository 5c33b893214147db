/**
 * Changing the headers of a request as they came.
 */
import type { IncomingMessage } from 'node:http';

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
