/**
 * The mounts of a URL map, and which of them takes a path.
 *
 * Not a router: mounts are plain text, compared with the path as it was sent, so a table of prefixes is all there is to
 * it. (find-my-way decodes the path first and reads `:` and `*` in a route as variables.) A lookup asks one table for
 * each `/` of the path, from the length of the longest mount down to that of the shortest.
 */
import { type App, writtenPath } from '../../app/index.js';
import { collapsed, encodedPath } from '../../app/internal.js';
import type { Origin } from '../../errors/index.js';
import { wordsOf } from '../../ini/index.js';
import { refuse } from '../paste-error.js';

/** Where an app is mounted. */
export interface Place {
  /** `host` or `host:port`; null for any. */
  readonly domain: string | null;
  /** Without a `/` at its end: the root is the empty path. */
  readonly path: string;
}

/** The words of a place, checked, put together as URLMap's keys are: `/path`, or `http://domain:port/path`. */
export function placeKey(text: string, origin: Origin | undefined): string {
  const bad = (message: string) =>
    refuse('bad-value', { message, hint: 'A place is: domain D, port P and one path, in any order.', origin });
  const words = wordsOf(text).map((word) => word.text);
  let domain: string | undefined;
  let port: string | undefined;
  let path: string | undefined;
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === 'domain') {
      const next = words.shift();
      if (next === undefined) throw bad('"domain" must be followed by a domain name.');
      if (domain !== undefined) throw bad('"domain" is given twice.');
      domain = next;
    } else if (word === 'port') {
      const next = words.shift();
      if (next === undefined) throw bad('"port" must be followed by a port number.');
      if (port !== undefined) throw bad('"port" is given twice.');
      port = next;
    } else {
      if (path !== undefined) throw bad(`two paths are given: ${path} and ${word}.`);
      path = word;
    }
  }
  if (domain === undefined && port !== undefined) throw bad('a "port" needs a "domain".');
  if (domain === undefined) return path ?? '';
  return `http://${domain}${port === undefined ? '' : `:${port}`}${path === undefined ? '' : `/${path}`}`;
}

/** The place a key means: runs of `/` become one, those at the end go. */
export function placeOfKey(key: string, origin: Origin | undefined): Place {
  const scheme = /^https?:\/\//.exec(key)?.[0];
  if (scheme === undefined) {
    if (key !== '' && !key.startsWith('/')) {
      throw refuse('bad-mount', {
        message: `${JSON.stringify(key)} is no place for an app: a path begins with "/".`,
        hint: 'All options of a URL map are mounts, except "not_found_app".',
        origin,
      });
    }
    return { domain: null, path: collapsed(key).replace(/\/$/, '') };
  }
  const rest = key.slice(scheme.length);
  const slash = rest.indexOf('/');
  if (slash < 0) return { domain: rest, path: '' };
  return { domain: rest.slice(0, slash), path: collapsed(rest.slice(slash)).replace(/\/$/, '') };
}

/** An app and its place. */
export interface Mount extends Place {
  readonly app: App;
}

/** A mount that takes a path, and how much of the path is its prefix. */
export interface Match {
  readonly mount: Mount;
  readonly prefix: string;
}

interface Entry {
  readonly mount: Mount;
  readonly rank: number;
  /** Takes only paths with something behind the `/` that follows the prefix. */
  readonly wantsMore: boolean;
}

interface PrefixTable {
  readonly entries: Map<string, Entry[]>;
  /** Lengths of prefixes. */
  longest: number;
  shortest: number;
}

/** By domain, those without one last; then longer paths first; then by path as text. */
function inOrder(a: Mount, b: Mount): number {
  if (a.domain !== b.domain) {
    if (a.domain === null) return 1;
    return b.domain === null ? -1 : byCodePoints(a.domain, b.domain);
  }
  return codePointLength(b.path) - codePointLength(a.path) || byCodePoints(a.path, b.path);
}

/** Which mount takes a request. Built once; of two mounts at one place the later counts. */
export class MountTable {
  /** In the order in which they are tried. */
  readonly mounts: readonly Mount[];
  readonly #byDomain = new Map<string, PrefixTable>();
  readonly #anywhere: PrefixTable | undefined;

  /** `plus`: a path that ends in `/+` takes only what is below it (nova's urlmap). */
  constructor(mounts: readonly Mount[], plus: boolean) {
    const byPlace = new Map(mounts.map((mount) => [`${mount.domain ?? ''} ${mount.path}`, mount]));
    this.mounts = [...byPlace.values()].sort(inOrder);
    let anywhere: PrefixTable | undefined;
    for (const [rank, mount] of this.mounts.entries()) {
      let table = mount.domain === null ? anywhere : this.#byDomain.get(mount.domain);
      if (table === undefined) {
        table = { entries: new Map(), longest: 0, shortest: Number.POSITIVE_INFINITY };
        if (mount.domain === null) anywhere = table;
        else this.#byDomain.set(mount.domain, table);
      }
      const wantsMore = plus && mount.path.endsWith('/+');
      const prefix = wantsMore ? mount.path.slice(0, -2) : mount.path;
      // A path arrives percent-encoded; a mount is written as people write it.
      for (const spelling of new Set([prefix, encodedPath(writtenPath(prefix))]))
        put(table, spelling, { mount, rank, wantsMore });
    }
    this.#anywhere = anywhere;
  }

  /** True when a mount has a domain: only then the host counts. */
  get looksAtHost(): boolean {
    return this.#byDomain.size > 0;
  }

  /** The first mount in order that takes the path on this host. `host` and `port` as the Host header has them. */
  find(path: string, host: string, port: string): Match | undefined {
    if (this.#byDomain.size > 0) {
      const found = lookUp(this.#byDomain.get(host), path) ?? lookUp(this.#byDomain.get(`${host}:${port}`), path);
      if (found !== undefined) return found;
    }
    return lookUp(this.#anywhere, path);
  }
}

function put(table: PrefixTable, prefix: string, entry: Entry): void {
  const same = table.entries.get(prefix);
  if (same === undefined) table.entries.set(prefix, [entry]);
  else same.push(entry);
  table.longest = Math.max(table.longest, prefix.length);
  table.shortest = Math.min(table.shortest, prefix.length);
}

function lookUp(table: PrefixTable | undefined, path: string): Match | undefined {
  if (table === undefined) return undefined;
  let best: Entry | undefined;
  let length = 0;
  let end = path.length <= table.longest ? path.length : path.lastIndexOf('/', table.longest);
  while (end >= table.shortest) {
    for (const entry of table.entries.get(path.slice(0, end)) ?? NONE) {
      if (best !== undefined && best.rank < entry.rank) continue;
      if (entry.wantsMore && path.length < end + 2) continue;
      best = entry;
      length = end;
    }
    end = end === 0 ? -1 : path.lastIndexOf('/', end - 1);
  }
  return best === undefined ? undefined : { mount: best.mount, prefix: path.slice(0, length) };
}

const NONE: readonly Entry[] = [];

/** Text in the order of its code points, as Python compares it, not by UTF-16 units. */
export function byCodePoints(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  for (let at = 0; at < shorter; at++) {
    if (a.charCodeAt(at) !== b.charCodeAt(at)) return weight(a.charCodeAt(at)) - weight(b.charCodeAt(at));
  }
  return a.length - b.length;
}

/** Length in code points. */
function codePointLength(text: string): number {
  let length = text.length;
  for (let at = 0; at < text.length; at++) if (text.codePointAt(at)! > 0xffff) length--;
  return length;
}

/** Surrogates stand for code points above all others. */
function weight(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
