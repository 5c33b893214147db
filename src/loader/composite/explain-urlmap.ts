/**
 * Which mount of a URL map would take a request, and why, without creating anything.
 */
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { App, Conf } from '../../app/index.js';
import { type Mount, MountTable } from './mount-table.js';
import { placeKey, placeOfKey } from './place.js';
import { chosenMount, matchOf, targetOf } from './urlmap.js';
import { versionedMatch } from './versioned-urlmap.js';

/** A request that is only thought of. */
export interface ImaginedRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly secure: boolean;
}

/** Where a URL map would send it. */
export interface ExplainedMount {
  /** The option of the mount; `not_found_app`, or undefined when the answer would be 404. */
  readonly option: string | undefined;
  /** In words. */
  readonly why: string;
  /** What is added to the script name. */
  readonly prefix: string;
  /** Path and query that the app would see. */
  readonly url: string;
}

/** The mount of a URL map with these options that takes the request. Throws what the map would throw for its target. */
export function explainMount(
  conf: Conf,
  globalConf: Conf,
  request: ImaginedRequest,
  versioned: boolean,
): ExplainedMount {
  const options = new Map<App, string>();
  const mounts: Mount[] = [];
  for (const option of conf.keys()) {
    if (option === 'not_found_app') continue;
    const app: App = () => undefined;
    options.set(app, option);
    mounts.push({ ...placeOfKey(placeKey(option, undefined), undefined), app });
  }
  const table = new MountTable(mounts, versioned);
  const req = messageOf(request);
  const target = targetOf(req);
  const found = versioned ? versionedMatch(table, req, target) : chosenMount(matchOf(table, req, target.path));
  if (found === undefined) {
    const fallback = conf.get('not_found_app') ?? globalConf.get('not_found_app') ?? '';
    const tried = table.mounts.map(({ domain, path }) => `${domain ?? ''}${path === '' ? '/' : path}`).join(', ');
    const why = `no mount takes ${target.path === '' ? 'the empty path' : target.path} (${tried === '' ? 'there is none' : tried})`;
    return { option: fallback === '' ? undefined : 'not_found_app', why, prefix: '', url: request.url };
  }
  const { mount, prefix } = found.match;
  const place = `${mount.domain === null ? '' : `${mount.domain} `}${mount.path === '' ? '/' : mount.path}`;
  if (found.byVersion) {
    return {
      option: options.get(mount.app),
      why: `the version asked for is mounted at ${place}`,
      prefix,
      url: request.url,
    };
  }
  const url = target.path.slice(prefix.length) + target.query;
  return { option: options.get(mount.app), why: `${place} is the first mount that takes ${target.path}`, prefix, url };
}

function messageOf({ method, url, headers, secure }: ImaginedRequest): IncomingMessage {
  const req = new IncomingMessage(Object.assign(new Socket(), { encrypted: secure }));
  req.method = method;
  req.url = url;
  req.headers = { ...headers };
  return req;
}
