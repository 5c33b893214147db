/** Matches paths with prefixes at segment boundaries. */
import type { IncomingMessage } from 'node:http';
import { requestPath } from '../app/index.js';
import { writtenPath } from '../app/internal.js';

/** Reports whether `path` equals `prefix` or is below it: `/a` contains `/a` and `/a/b`, but not `/ab`. */
export function isBelow(path: string, prefix: string): boolean {
  return isBelowRead(path, writtenPath(prefix));
}

/** The same as {@link isBelow}, for a prefix that is a result of `writtenPath`. */
export function isBelowRead(path: string, prefix: string): boolean {
  const base = prefix.endsWith('/') ? prefix.slice(0, -1) : prefix;
  return path.startsWith(base) && (path.length === base.length || path.charAt(base.length) === '/');
}

/** Returns the value of the longest prefix of the request's path, including its mount; undefined if none matches. */
export function ofLongestPrefix<T>(req: IncomingMessage, values: ReadonlyMap<string, T>): T | undefined {
  if (values.size === 0) return undefined;
  const path = requestPath(req);
  let longest = 0;
  let found: T | undefined;
  for (const [prefix, value] of values) {
    // Compares decoded lengths, because percent-encoding makes a prefix longer.
    const read = writtenPath(prefix);
    if (read.length <= longest || !isBelowRead(path, read)) continue;
    longest = read.length;
    found = value;
  }
  return found;
}
