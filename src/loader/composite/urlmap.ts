/**
 * `urlmap`: the longest prefix decides which app answers, as Paste's urlmap does it.
 */
import type { IncomingMessage } from 'node:http';
import {
  type App,
  type CompositeFactory,
  type Conf,
  environ,
  type FactoryContext,
  Fault,
  quoteClient,
  remoteOf,
  type SectionLoader,
} from '../../app/index.js';
import { collapsed, connectApp } from '../../app/internal.js';
import { type CompositeWarning, refusalsOf, type TellsChildren } from './children.js';
import { type Match, type Mount, MountTable, type Place, placeKey, placeOfKey } from './mount-table.js';

/** An app that dispatches to others by host and path. */
export interface URLMap extends App {
  /** In the order in which they are tried. */
  readonly mounts: readonly Mount[];
  /** What answers when no mount takes a path; undefined: 404. */
  readonly notFound: App | undefined;
}

/**
 * Composite factory. Every option but `not_found_app` is a mount: a place, and the app that answers there. What the
 * mount takes moves from `req.url` to `environ(req).scriptName`; a path the mount is all of leaves the empty string.
 */
export const urlmap: CompositeFactory & TellsChildren = Object.assign(
  async (loader: SectionLoader, globalConf: Conf, localConf: Conf, ctx: FactoryContext): Promise<URLMap> => {
    const { mounts, notFound } = await mountsOf(loader, globalConf, localConf, ctx);
    const table = new MountTable(mounts, false);
    const app: App = (req, res) => {
      const target = targetOf(req);
      const match = matchOf(table, req, target.path);
      if (match !== undefined) return moveToMount(req, target, match)(req, res);
      if (notFound !== undefined) return notFound(req, res);
      throw nothingAt(target.path);
    };
    return Object.assign(app, { mounts: table.mounts, notFound });
  },
  { children: urlmapChildren, problems: urlmapProblems, warnings: urlmapWarnings },
);

/** The apps of a URL map, created in file order: `not_found_app` first, then each mount. */
export async function mountsOf(
  loader: SectionLoader,
  globalConf: Conf,
  localConf: Conf,
  ctx: FactoryContext,
): Promise<{ mounts: Mount[]; notFound: App | undefined }> {
  const fallback = localConf.get('not_found_app') ?? globalConf.get('not_found_app') ?? '';
  const notFound = fallback === '' ? undefined : await loader.getApp(fallback, globalConf);
  const mounts: Mount[] = [];
  for (const [name, reference] of localConf) {
    if (name === 'not_found_app') continue;
    const origin = ctx.section.options.get(name)?.origin;
    const key = placeKey(name, origin);
    const app = connectApp(await loader.getApp(reference, globalConf));
    mounts.push({ ...placeOfKey(key, origin), app });
  }
  return { mounts, notFound };
}

/** The references of a URL map, without calling anything. */
export function urlmapChildren(globalConf: Conf, localConf: Conf): ReturnType<TellsChildren['children']> {
  const fallback = localConf.get('not_found_app') ?? globalConf.get('not_found_app') ?? '';
  const mounts = [...localConf].filter(([name]) => name !== 'not_found_app');
  return [
    ...(fallback === '' ? [] : [{ get: 'app' as const, name: fallback, option: 'not_found_app', inherits: true }]),
    ...mounts.map(([option, name]) => ({ get: 'app' as const, name, option, inherits: true })),
  ];
}

/** Places that cannot be. */
export function urlmapProblems(
  localConf: Conf,
  ctx: FactoryContext,
): ReturnType<NonNullable<TellsChildren['problems']>> {
  const places = [...localConf.keys()].filter((name) => name !== 'not_found_app');
  return refusalsOf(
    places.map((name) => () => {
      const origin = ctx.section.options.get(name)?.origin;
      return placeOfKey(placeKey(name, origin), origin);
    }),
  );
}

/** Mounts that no request reaches. */
export function urlmapWarnings(localConf: Conf): CompositeWarning[] {
  const warnings: CompositeWarning[] = [];
  const taken = new Map<string, string>();
  for (const option of localConf.keys()) {
    const place = placeIfAny(option);
    if (option === 'not_found_app' || place === undefined) continue;
    const key = `${place.domain ?? ''} ${place.path}`;
    const earlier = taken.get(key);
    if (earlier !== undefined) {
      const message = `"${earlier}" is mounted at the same place; "${option}" replaces it.`;
      warnings.push({ code: 'PORTICO_PASTE_MOUNT_REPLACED', option: earlier, message });
    }
    taken.set(key, option);
    if (place.domain === null || place.domain === place.domain.toLowerCase()) continue;
    warnings.push({
      code: 'PORTICO_PASTE_MOUNT_NEVER_MATCHES',
      option,
      message: `the domain ${place.domain} never matches: the Host header is compared in lower case.`,
      hint: `Write ${place.domain.toLowerCase()}.`,
    });
  }
  return warnings;
}

function placeIfAny(option: string): Place | undefined {
  try {
    return placeOfKey(placeKey(option, undefined), undefined);
  } catch {
    return undefined;
  }
}

/** A request target, split before its query; runs of `/` in the path are one. */
export interface Target {
  readonly path: string;
  /** With its `?`, or empty. */
  readonly query: string;
}

/** What is left to route. Fails with 400 for a target that is no path: `*`, or a host and port. */
export function targetOf(req: IncomingMessage): Target {
  const url = req.url ?? '';
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  if (path !== '' && path.charCodeAt(0) !== 0x2f)
    throw new Fault(400, { message: 'The request target is not a path.' });
  return { path: collapsed(path), query: mark < 0 ? '' : url.slice(mark) };
}

/** The mount that takes a path of this request; host and scheme as proxy_headers has found them out. */
export function matchOf(table: MountTable, req: IncomingMessage, path: string): Match | undefined {
  if (!table.looksAtHost) return table.find(path, '', '');
  const { host, scheme } = remoteOf(req);
  const header = (host ?? '').toLowerCase();
  const colon = header.indexOf(':');
  if (colon >= 0) return table.find(path, header.slice(0, colon), header.slice(colon + 1));
  return table.find(path, header, scheme === 'https' ? '443' : '80');
}

/** A mount that takes a request. */
export interface ChosenMount {
  readonly match: Match;
  /** Chosen by a version the request asks for: the path stays whole. */
  readonly byVersion: boolean;
}

/** A match by path alone. */
export function chosenMount(match: Match | undefined): ChosenMount | undefined {
  return match === undefined ? undefined : { match, byVersion: false };
}

/** Moves the mount's prefix to the script name; gives the app of the mount. */
export function moveToMount(req: IncomingMessage, target: Target, { mount, prefix }: Match): App {
  environ(req).scriptName += prefix;
  req.url = target.path.slice(prefix.length) + target.query;
  return mount.app;
}

/** The answer where nothing is mounted. */
export function nothingAt(path: string): Fault {
  return new Fault(404, { message: `Nothing is mounted at ${path === '' ? '/' : quoteClient(path)}.` });
}
