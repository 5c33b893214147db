/**
 * Places of a URL map: `/v2.1`, `domain api.example.com port 8774 /v2.1`.
 */
import { collapsed } from '../../app/index.js';
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
