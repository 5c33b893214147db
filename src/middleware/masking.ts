/**
 * What must not get into a log: credentials in headers. Those in query strings are `targetMask`'s affair.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { looksSecret, masked } from '../text/index.js';

const SECRET_HEADERS: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization', 'cookie', 'set-cookie']);

/** Makes a copy of headers for the log, values of secret ones replaced. `extra` are further names, any case. */
export function headerMask(extra: readonly string[]): (headers: IncomingHttpHeaders) => Record<string, unknown> {
  const names = new Set(extra.map((name) => name.toLowerCase()));
  const isSecret = (name: string): boolean =>
    SECRET_HEADERS.has(name) || /[-_]key$/.test(name) || looksSecret(name) || names.has(name);
  return (headers) =>
    Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, isSecret(name) ? masked : value]));
}
