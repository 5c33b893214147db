/**
 * The headers given to `writeHead`, in all their forms.
 */
import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http';

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
