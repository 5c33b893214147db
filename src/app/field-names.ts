/**
 * What the names of a request's fields say, worked out once for each list of names and not for each request.
 *
 * A client names the same fields in the same order again and again. Where each name has been seen before at its place, one
 * comparison a name replaces spelling it in lower case and asking what it may mean.
 */

/** A list of names. It is shared by all requests with the same names. */
export interface FieldNames {
  /** As they were received. */
  readonly received: readonly string[];
  /** In lower case; null where Node is to gather the fields: a name comes twice, or its field is a list in any case. */
  readonly keys: readonly string[] | null;
  /** Places in the list that was received, of names and values in turn: -1 for a field that is not there. */
  readonly host: number;
  readonly contentLength: number;
  readonly transferEncoding: number;
  readonly upgrade: boolean;
  /** A field that decides who asks, or where the request ends, comes more than once. */
  readonly repeats: boolean;
  /** Some name has an underscore. */
  readonly underscores: boolean;
}

/** How many lists are kept, each at the place that its lengths give it: the newest of a place, for clients make names up. */
const PLACES = 128;
/** Longer lists are read each time. */
const MOST_TEXT = 1024;
const table = Array.from<unknown, FieldNames | undefined>({ length: PLACES }, () => undefined);

/** What the names say in a list of names and values in turn. */
export function fieldNames(rawHeaders: readonly string[]): FieldNames {
  let text = 0;
  let mixed = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const { length } = rawHeaders[at]!;
    text += length;
    mixed = (mixed * 5 + length) & 0xffff;
  }
  const place = mixed % PLACES;
  const known = table[place];
  if (known !== undefined && isSame(known.received, rawHeaders)) return known;
  const made = readNames(rawHeaders);
  if (text <= MOST_TEXT) table[place] = made;
  return made;
}

function isSame(received: readonly string[], rawHeaders: readonly string[]): boolean {
  if (received.length * 2 !== rawHeaders.length) return false;
  for (let at = 0; at < received.length; at++) if (received[at] !== rawHeaders[at * 2]) return false;
  return true;
}

/** Those that may come once. */
const SINGLE = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'x-auth-token',
  'authorization',
  'x-service-token',
]);

function readNames(rawHeaders: readonly string[]): FieldNames {
  const received: string[] = [];
  const lower: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    received.push(rawHeaders[at]!);
    lower.push(rawHeaders[at]!.toLowerCase());
  }
  const placeOf = (name: string): number => (lower.includes(name) ? lower.indexOf(name) * 2 : -1);
  return Object.freeze({
    received: Object.freeze(received),
    keys: keysOf(lower),
    host: placeOf('host'),
    contentLength: placeOf('content-length'),
    transferEncoding: placeOf('transfer-encoding'),
    upgrade: lower.includes('upgrade'),
    repeats: lower.some((name, at) => SINGLE.has(name) && lower.indexOf(name) !== at),
    underscores: lower.some((name) => name.includes('_')),
  });
}

/** The names as an object has them: only those are found at once. */
function keysOf(lower: readonly string[]): readonly string[] | null {
  if (lower.includes('set-cookie')) return null;
  const keys = Object.keys(Object.fromEntries(lower.map((name) => [name, ''])));
  // Of a name that is a number, or comes twice, the place is another.
  return keys.length === lower.length && keys.every((key, at) => key === lower[at]) ? Object.freeze(keys) : null;
}
