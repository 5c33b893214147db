/**
 * Paths below a prefix, on segment borders.
 */
import type { IncomingMessage } from 'node:http';
import { requestPath, writtenPath } from '../app/index.js';

/** Whether `path` is what is written as `prefix`, or lies below it: `/a` holds `/a` and `/a/b`, not `/ab`. */
export function isBelow(path: string, prefix: string): boolean {
  return isBelowRead(path, writtenPath(prefix));
}

/** The same for a prefix that `writtenPath` has read. */
export function isBelowRead(path: string, prefix: string): boolean {
  const base = prefix.endsWith('/') ? prefix.slice(0, -1) : prefix;
  return path.startsWith(base) && (path.length === base.length || path.charAt(base.length) === '/');
}

/** The value of the longest prefix that the request's whole path is below; undefined when there is none. */
export function ofLongestPrefix<T>(req: IncomingMessage, values: ReadonlyMap<string, T>): T | undefined {
  if (values.size === 0) return undefined;
  const path = requestPath(req);
  let longest = 0;
  let found: T | undefined;
  for (const [prefix, value] of values) {
    // Encoded it may be longer than one that goes further.
    const read = writtenPath(prefix);
    if (read.length <= longest || !isBelowRead(path, read)) continue;
    longest = read.length;
    found = value;
  }
  return found;
}
