/**
 * Taking headers off a request.
 */
import type { IncomingMessage } from 'node:http';
import { replaceRawHeaders } from '../../app/index.js';

/**
 * Removes the request headers whose names `isMeant` says yes to. Names come in lower case and with `-` for `_`: WSGI and
 * CGI cannot tell the two, so neither may slip past a list.
 */
export function removeHeaders(req: IncomingMessage, isMeant: (name: string) => boolean): void {
  let found = false;
  for (const name of Object.keys(req.headers)) {
    if (!isMeant(folded(name))) continue;
    found = true;
    delete req.headers[name];
  }
  if (!found) return;
  const kept: string[] = [];
  for (let at = 0; at + 1 < req.rawHeaders.length; at += 2) {
    if (!isMeant(folded(req.rawHeaders[at]!))) kept.push(req.rawHeaders[at]!, req.rawHeaders[at + 1]!);
  }
  replaceRawHeaders(req, kept);
}

/** A name in lower case, `-` for `_`. */
export function folded(name: string): string {
  const lower = name.toLowerCase();
  return lower.includes('_') ? lower.replaceAll('_', '-') : lower;
}
