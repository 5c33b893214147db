/**
 * The mounts of a URL map, and the lookup of the mount for a path.
 *
 * It is not a router: mounts are plain text, compared with the path as sent, so a table of prefixes suffices. (find-my-way decodes the
 * path first and reads `:` and `*` in a route as variables.) A lookup checks one prefix for each `/` of the path, from the length of the
 * longest mount down to the shortest.
 */
import type { App } from '../../app/index.js';
import { collapsed, encodedPath, writtenPath } from '../../app/internal.js';
import type { Origin } from '../../errors/index.js';
import { originOfName, wordsOf } from '../../ini/index.js';
import { PasteError } from '../paste-error.js';

/** Place of a mounted app. */
export interface Place {
  /** `host` or `host:port`; null for any. */
  readonly domain: string | null;
  /** Without a trailing `/`: the root is the empty path. */
  readonly path: string;
}

/** Checks the words of a location and returns them as a key of URLMap: `/path`, or `http://domain:port/path`. */
export function placeKey(text: string, origin: Origin | undefined): string {
  const bad = (message: string) =>
    new PasteError('PORTICO_PASTE_BAD_VALUE', {
      message,
      hint: 'A mount is: domain D, port P and one path, in any order.',
      origin: origin && originOfName(origin),
    });
  const words = wordsOf(text).map((word) => word.text);
  const given: { domain?: string; port?: string; path?: string } = {};
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === 'domain' || word === 'port') {
      const next = words.shift();
      const what = word === 'domain' ? 'a domain name' : 'a port number';
      if (next === undefined) throw bad(`"${word}" must be followed by ${what}.`);
      if (given[word] !== undefined) throw bad(`"${word}" is repeated.`);
      given[word] = next;
    } else {
      if (given.path !== undefined) throw bad(`there are two paths: ${given.path} and ${word}.`);
      given.path = word;
    }
  }
  const { domain, port, path } = given;
  if (domain === undefined && port !== undefined) throw bad('a "port" needs a "domain".');
  if (domain === undefined) return path ?? '';
  return `http://${domain}${port === undefined ? '' : `:${port}`}${path === undefined ? '' : `/${path}`}`;
}

/** Returns the location of a key: runs of `/` become one, trailing ones are removed. */
export function placeOfKey(key: string, origin: Origin | undefined): Place {
  const scheme = /^https?:\/\//.exec(key)?.[0];
  if (scheme === undefined) {
    if (key !== '' && !key.startsWith('/')) {
      throw new PasteError('PORTICO_PASTE_BAD_MOUNT', {
        message: `${JSON.stringify(key)} is not a mount: a path begins with "/".`,
        hint: 'All options of a URL map are mounts, except "not_found_app".',
        origin: origin && originOfName(origin),
      });
    }
    return { domain: null, path: collapsed(key).replace(/\/$/, '') };
  }
  const rest = key.slice(scheme.length);
  const slash = rest.indexOf('/');
  if (slash < 0) return { domain: rest, path: '' };
  return { domain: rest.slice(0, slash), path: collapsed(rest.slice(slash)).replace(/\/$/, '') };
}

/** Returns the location that an option of a URL map names. */
export function placeOf(option: string, origin?: Origin): Place {
  return placeOfKey(placeKey(option, origin), origin);
}

/** An app, and where it is mounted. */
export interface Mount extends Place {
  readonly app: App;
}

/** A mount that matches a path, and the part of the path that is its prefix. */
export interface Match {
  readonly mount: Mount;
  readonly prefix: string;
}

interface Entry {
  readonly match: Match;
  readonly rank: number;
  /** Matches only paths with more text after the `/` that follows the prefix. */
  readonly wantsMore: boolean;
}

/** By domain, those without one last; then longer paths first; then by path as text. */
function inOrder(a: Place, b: Place): number {
  if (a.domain !== b.domain) {
    if (a.domain === null) return 1;
    return b.domain === null || a.domain < b.domain ? -1 : 1;
  }
  return b.path.length - a.path.length || (a.path < b.path ? -1 : Number(a.path > b.path));
}

/** Finds the mount of a request. Of two mounts at one place the later one wins. */
export class MountTable {
  /** In the order in which they are tried. */
  readonly mounts: readonly Mount[];
  readonly #byDomain = new Map<string, PrefixTable>();
  /** The mounts without a domain, which match any host. */
  readonly anyHost = new PrefixTable();
  /** True if a mount has a domain, so that the host matters. */
  readonly looksAtHost: boolean;

  /** `plus`: a mount whose path ends in `/+` matches only paths below it (nova's urlmap). */
  constructor(mounts: readonly Mount[], plus: boolean) {
    const byPlace = new Map(mounts.map((mount) => [`${mount.domain ?? ''} ${mount.path}`, mount]));
    this.mounts = [...byPlace.values()].sort(inOrder);
    this.looksAtHost = this.mounts.some(({ domain }) => domain !== null);
    for (const [rank, mount] of this.mounts.entries()) {
      const table = this.#tableOf(mount.domain);
      const wantsMore = plus && mount.path.endsWith('/+');
      const prefix = wantsMore ? mount.path.slice(0, -2) : mount.path;
      // A path arrives percent-encoded; a mount may be written without encoding.
      for (const spelling of new Set([prefix, encodedPath(writtenPath(prefix))]))
        table.put(spelling, { match: { mount, prefix: spelling }, rank, wantsMore });
    }
  }

  /** Returns the first mount in order that matches the path on this host. `host` and `port` are those of the Host header. */
  find(path: string, host: string, port: string): Match | undefined {
    const byHost = (name: string) => this.#byDomain.get(name)?.find(path);
    const found = this.looksAtHost ? (byHost(host) ?? byHost(`${host}:${port}`)) : undefined;
    return found ?? this.anyHost.find(path);
  }

  #tableOf(domain: string | null): PrefixTable {
    if (domain === null) return this.anyHost;
    const table = this.#byDomain.get(domain) ?? new PrefixTable();
    this.#byDomain.set(domain, table);
    return table;
  }
}

/** The mounts of one domain, by prefix. */
class PrefixTable {
  readonly #entries = new Map<string, Entry[]>();
  /** Lengths of prefixes. */
  #longest = 0;
  #shortest = Number.POSITIVE_INFINITY;

  put(prefix: string, entry: Entry): void {
    this.#entries.set(prefix, [...(this.#entries.get(prefix) ?? []), entry]);
    this.#longest = Math.max(this.#longest, prefix.length);
    this.#shortest = Math.min(this.#shortest, prefix.length);
  }

  readonly find = (path: string): Match | undefined => {
    let best: Entry | undefined;
    let end = path.length <= this.#longest ? path.length : path.lastIndexOf('/', this.#longest);
    while (end >= this.#shortest) {
      for (const entry of this.#entries.get(path.slice(0, end)) ?? NONE) {
        if (best !== undefined && best.rank < entry.rank) continue;
        if (entry.wantsMore && path.length < end + 2) continue;
        best = entry;
      }
      end = end === 0 ? -1 : path.lastIndexOf('/', end - 1);
    }
    return best?.match;
  };
}

const NONE: readonly never[] = [];
