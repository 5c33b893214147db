/** Functions for headers: removes request headers, finds those of proxies, extends Vary, and masks credentials in copies for the log. */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { type Exchange, exchangeOf, joinVary, readHeaders, removeFields } from '../app/internal.js';
import { forwardingFamily, looksSecret, masked } from '../text/index.js';

declare module '../app/index.js' {
  interface Environ {
    /** Set by proxy_headers if the request had fields of proxies about its client, whether they were used or removed. */
    forwarded?: true;
  }
}

/** A token (RFC 9110 §5.6.2), the form of header names and methods. Other names in options would fail at every request. */
export const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/**
 * Removes the request headers for whose names `isMeant` returns true. It receives names in lower case with `-` for `_`, because WSGI and
 * CGI do not distinguish the two.
 */
export function removeHeaders(req: IncomingMessage, isMeant: (name: string) => boolean): void {
  removeFields(exchangeOf(req), (name) => isMeant(name.includes('_') ? folded(name) : name));
}

/** Returns a header name in lower case, with `-` for `_`. */
export function folded(name: string): string {
  const lower = name.toLowerCase();
  return lower.includes('_') ? lower.replaceAll('_', '-') : lower;
}

/** Reports whether a proxy has forwarded the request, also if proxy_headers has removed the fields that show it. */
export function isForwarded(exchange: Exchange): boolean {
  if (exchange.forwarded === true) return true;
  return Object.keys(readHeaders(exchange)).some((name) => forwardingFamily(name) !== undefined);
}

/** Adds names to `Vary` (RFC 9110 §12.5.5) that it does not contain, regardless of case. Does not change `*`. */
export function appendVary(res: ServerResponse, ...names: readonly string[]): void {
  const present = res.getHeader('vary');
  const joined = joinVary(present, names);
  if (joined !== present) res.setHeader('vary', joined);
}

/** Returns the content type of a response; empty without one. */
export function contentTypeOf(res: ServerResponse): string {
  return String(res.getHeader('content-type') ?? '');
}

const SECRET_HEADERS: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization', 'cookie', 'set-cookie']);

/** Returns a function that copies headers for the log and masks secret values. `extra` has additional names, in any case. */
export function headerMask(extra: readonly string[]): (headers: IncomingHttpHeaders) => Record<string, unknown> {
  const names = new Set(extra.map((name) => name.toLowerCase()));
  const isSecret = (name: string): boolean =>
    SECRET_HEADERS.has(name) || /[-_]key$/.test(name) || looksSecret(name) || names.has(name);
  return (headers) =>
    Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, isSecret(name) ? masked : value]));
}
