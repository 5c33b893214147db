/**
 * Paths below a prefix, on segment borders.
 */
import type { IncomingMessage } from 'node:http';
import { environ } from '../app/index.js';

/** The whole path of a request as the server took it in: what was consumed and what is left, without query. */
export function fullPath(req: IncomingMessage): string {
  const url = req.url ?? '/';
  const query = url.indexOf('?');
  return environ(req).scriptName + (query < 0 ? url : url.slice(0, query));
}

/** Whether `path` is `prefix` or lies below it: `/a` holds `/a` and `/a/b`, not `/ab`. */
export function isBelow(path: string, prefix: string): boolean {
  const base = prefix.endsWith('/') ? prefix.slice(0, -1) : prefix;
  return path.startsWith(base) && (path.length === base.length || path.charAt(base.length) === '/');
}

/** The value of the longest prefix that the request's whole path is below; undefined when there is none. */
export function ofLongestPrefix<T>(req: IncomingMessage, values: ReadonlyMap<string, T>): T | undefined {
  if (values.size === 0) return undefined;
  const path = fullPath(req);
  let longest = '';
  for (const prefix of values.keys()) {
    if (prefix.length > longest.length && isBelow(path, prefix)) longest = prefix;
  }
  return values.get(longest);
}
