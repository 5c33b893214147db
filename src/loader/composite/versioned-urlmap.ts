/**
 * `versionedUrlmap`: nova's URL map. Like urlmap, with mounts that match only paths below them (`/v2/+`), a version that may be in a
 * content type, and the best content type, which is passed to the app.
 */
import type { IncomingMessage } from 'node:http';
import type { CompositeFactory } from '../../app/index.js';
import type { Match, MountTable } from './mount-table.js';
import { type ChosenMount, matchIn, urlMapBy } from './urlmap.js';

const JSON_TYPE = 'application/json';
const SUPPORTED: readonly string[] = [JSON_TYPE, 'application/vnd.openstack.compute+json'];
const WITH_ATOM: readonly string[] = [...SUPPORTED, 'application/atom+xml'];

/** Composite factory: `nova.api.openstack.urlmap:urlmap_factory`. Options as for `urlmap`. */
export const versionedUrlmap: CompositeFactory = urlMapBy(matchByVersion, true);

/** Finds the mount of a path. */
type FindMount = (path: string, req: IncomingMessage) => Match | undefined;

/**
 * Returns a function that finds the mount of a request: by its path; if only the empty mount or none matches, by the version that it
 * requests.
 */
function matchByVersion(table: MountTable): (path: string, req: IncomingMessage) => ChosenMount | undefined {
  const find = matchIn(table);
  return (path, req) => {
    const byPath = find(path, req);
    const prefix = byPath?.prefix ?? '';
    const accepted = bestMatch(parseAccept(req.headers.accept ?? ''), supportedAt(path, prefix));
    const byVersion = prefix === '' ? versionAsked(find, req, accepted) : undefined;
    const match = byVersion ?? byPath;
    if (match === undefined) return undefined;
    const contentType = suffixType(path) ?? accepted.type ?? JSON_TYPE;
    return { ...match, byVersion: byVersion !== undefined, contentType };
  };
}

/** Returns the type for the text after the last dot of the path. */
function suffixType(path: string): string | undefined {
  const dot = path.lastIndexOf('.');
  const type = dot < 0 ? '' : `application/${path.slice(dot + 1)}`;
  return SUPPORTED.includes(type) ? type : undefined;
}

/** Returns the supported types. Feeds are for the index of a version: `/`, or a mount and exactly one `/`. */
function supportedAt(path: string, prefix: string): readonly string[] {
  return path === '/' || (prefix !== '' && path === `${prefix}/`) ? WITH_ATOM : SUPPORTED;
}

/** Returns the mount for the `version=N` of Content-Type, else of the best Accept entry. */
function versionAsked(find: FindMount, req: IncomingMessage, accepted: BestMatch): Match | undefined {
  const written = parseMediaType(req.headers['content-type'] ?? '').params.get('version');
  return mountOfVersion(find, req, written) ?? mountOfVersion(find, req, accepted.params.get('version'));
}

/**
 * Returns the mount of `/v` and a version, or the empty mount if there is none. A version begins with a digit and has no `/`, so
 * `version=ault` does not match `/vault`, and no version matches a path below a mount.
 */
function mountOfVersion(find: FindMount, req: IncomingMessage, version: string | undefined): Match | undefined {
  if (version === undefined) return undefined;
  const match = find(`/v${version}`, req);
  return match?.prefix === '' || /^\d[\w.-]*$/.test(version) ? match : undefined;
}

// Content types are negotiated as by nova's URL map, not by the rules of RFC 9110, because its clients depend on that.

/** A content type or mask with its parameters. */
interface MediaType {
  readonly type: string;
  readonly params: ReadonlyMap<string, string | undefined>;
}

/** The supported type that an Accept header prefers. */
interface BestMatch {
  readonly type: string | undefined;
  readonly params: ReadonlyMap<string, string | undefined>;
}

const PARAMETER = /;\s*([^\s;=]+|"[^"\\]*(?:\\.[^"\\]*)*")\s*(?:=\s*([^;]+|"[^"\\]*(?:\\.[^"\\]*)*"))?\s*/g;

/** Parses a content type such as `text/html; charset="utf-8"`. Quotes are removed, not interpreted. */
export function parseMediaType(value: string): MediaType {
  if (value === '') return { type: '', params: new Map() };
  const [first, ...rest] = [...`;${value}`.matchAll(PARAMETER)];
  const params = rest.map(
    ([, name = '', text]) => [unquoted(name), text === undefined ? text : unquoted(text)] as const,
  );
  return { type: unquoted(first?.[1] ?? ''), params: new Map(params) };
}

/** Returns the entries of an Accept header, split at commas outside quotes. */
export function parseAccept(header: string): MediaType[] {
  return listItems(header).map((item) => {
    const whole = item.length > 0 && item.startsWith('"') && item.endsWith('"');
    return parseMediaType(whole ? unquoted(item.slice(1, -1)) : item);
  });
}

/**
 * Returns the supported type with the highest `q`; at equal `q` the mask with fewer `*` wins, else the first found. Types are compared
 * exactly, including letter case; an entry whose `q` is not a number is skipped.
 */
export function bestMatch(accepted: readonly MediaType[], supported: readonly string[]): BestMatch {
  let best: BestMatch = { type: undefined, params: new Map() };
  let bestQuality = -1;
  let bestStars = 2;
  for (const type of supported) {
    for (const entry of accepted) {
      if (!masks(entry.type, type)) continue;
      const quality = entry.params.has('q') ? numberOf(entry.params.get('q')) : 1;
      if (quality === undefined || quality < bestQuality) continue;
      const stars = entry.type.split('*').length - 1;
      if (quality === bestQuality && bestStars <= stars) continue;
      best = { type, params: entry.params };
      bestQuality = quality;
      bestStars = stars;
    }
  }
  return best;
}

function masks(mask: string, type: string): boolean {
  if (!mask.includes('*')) return type === mask;
  return mask === '*/*' || type.split('/', 1)[0] === mask.slice(0, -2);
}

const DIGITS = String.raw`\d+(?:_\d+)*`;
/** Matches each digit in one way only: with `.?` between two runs of digits, matching took quadratic time. */
const FLOAT = new RegExp(String.raw`^[+-]?(?:${DIGITS}(?:\.(?:${DIGITS})?)?|\.${DIGITS})(?:e[+-]?${DIGITS})?$`);

/** Parses a number as Python's `float` does. */
function numberOf(text: string | undefined): number | undefined {
  const plain = (text ?? '').trim().toLowerCase();
  const special = /^([+-]?)(?:(inf(?:inity)?)|(nan))$/.exec(plain);
  if (special !== null) return special[3] === undefined ? Number(`${special[1]}Infinity`) : Number.NaN;
  return FLOAT.test(plain) ? Number(plain.replaceAll('_', '')) : undefined;
}

function unquoted(text: string): string {
  return text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
}

function listItems(header: string): string[] {
  const items: string[] = [];
  let item = '';
  let quoted = false;
  for (let at = 0; at < header.length; at++) {
    const char = header[at]!;
    if (quoted && char === '\\') {
      item += header[++at] ?? '';
      continue;
    }
    if (char === '"') quoted = !quoted;
    if (char === ',' && !quoted) {
      items.push(item.trim());
      item = '';
    } else {
      item += char;
    }
  }
  if (item !== '') items.push(item.trim());
  return items;
}
