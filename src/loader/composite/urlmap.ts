/** `urlmap`: dispatches requests to the app with the longest matching prefix, as Paste's urlmap does. */
import type { IncomingMessage } from 'node:http';
import {
  type App,
  type CompositeFactory,
  type Conf,
  type FactoryContext,
  Fault,
  quoteClient,
  remoteOf,
  type SectionLoader,
} from '../../app/index.js';
import { collapsed, decodePath, type Exchange, exchangeOf, missed, targetOf } from '../../app/internal.js';
import { ignoreErrors } from '../../errors/index.js';
import { partsOf } from '../part-refusals.js';
import type { PasteError } from '../paste-error.js';
import { type AskedChild, type CompositeWarning, refusalsOf, type TellsChildren } from './children.js';
import { type Match, type Mount, MountTable, placeKey, placeOf, placeOfKey } from './mount-table.js';

declare module '../../app/index.js' {
  interface Environ {
    /** The content type for the response, from the path's suffix or the Accept header; set by versionedUrlmap. */
    bestContentType?: string;
  }
}

/** An app that dispatches to others by host and path. */
export interface URLMap extends App {
  /** In the order in which they are tried. */
  readonly mounts: readonly Mount[];
  /** App for paths that no mount matches; undefined: 404. */
  readonly notFound: App | undefined;
}

/**
 * Composite factory that mounts apps at paths. Every option except `not_found_app` is a mount: a path, and the app at that path. The
 * mount moves from `req.url` to `environ(req).scriptName`; if it is the whole path, an empty string remains.
 */
export const urlmap: CompositeFactory = urlMapBy(matchIn, false);

/** Returns the function that chooses the mount of a request. */
type ChooseMount = (table: MountTable) => (path: string, req: IncomingMessage) => ChosenMount | undefined;

/** The mount chosen for a request. */
export interface ChosenMount extends Match {
  /** True if chosen by a version that the request names: the path is unchanged. */
  readonly byVersion?: boolean;
  /** The content type for the response, if it is negotiated. */
  readonly contentType?: string;
}

/** Returns the factory of URL maps that choose mounts by `chooseIn`. `plus`: see {@link MountTable}. */
export function urlMapBy(chooseIn: ChooseMount, plus: boolean): CompositeFactory & TellsChildren {
  const make = async (
    loader: SectionLoader,
    globalConf: Conf,
    localConf: Conf,
    ctx: FactoryContext,
  ): Promise<URLMap> => {
    const { mounts, notFound } = await mountsOf(loader, globalConf, localConf, ctx);
    const table = new MountTable(mounts, plus);
    const choose = chooseIn(table);
    const app: App = (req, res) => {
      const exchange = exchangeOf(req);
      const path = pathOf(exchange);
      const chosen = choose(path, req);
      exchange.trial?.note(whyChosen(table, chosen, path));
      if (chosen !== undefined) return moveToMount(exchange, chosen, path)(req, res);
      if (notFound !== undefined) return notFound(req, res);
      throw missed(404, { message: `Nothing is mounted at ${path === '' ? '/' : quoteClient(path)}.` });
    };
    return Object.assign(app, { mounts: table.mounts, notFound });
  };
  return Object.assign(make, { children: urlmapChildren, problems: urlmapProblems, warnings: urlmapWarnings });
}

function whyChosen(table: MountTable, chosen: ChosenMount | undefined, path: string): string {
  if (chosen === undefined) {
    const tried = table.mounts.map(nameOfPlace).join(', ');
    return `no mount matches ${path || 'the empty path'} (${tried || 'there is none'})`;
  }
  const place = nameOfPlace(chosen.mount);
  if (chosen.byVersion === true) return `the requested version is mounted at ${place}`;
  return `${place} is the first mount that matches ${path}`;
}

function nameOfPlace({ domain, path }: Mount): string {
  return `${domain === null ? '' : `${domain} `}${path === '' ? '/' : path}`;
}

/** Creates the apps of a URL map: `not_found_app` first, then each mount in file order. */
async function mountsOf(
  loader: SectionLoader,
  globalConf: Conf,
  localConf: Conf,
  ctx: FactoryContext,
): Promise<{ mounts: Mount[]; notFound: App | undefined }> {
  let notFound: App | undefined;
  const mounts: Mount[] = [];
  const refusals = partsOf(loader);
  for (const { name, option } of urlmapChildren(globalConf, localConf)) {
    await refusals.gather(async () => {
      if (option === 'not_found_app') {
        notFound = await loader.getApp(name, globalConf);
        return;
      }
      const origin = ctx.section.options.get(option)?.origin;
      const key = placeKey(option, origin);
      const app = await loader.getApp(name, globalConf);
      mounts.push({ ...placeOfKey(key, origin), app });
    });
  }
  refusals.refuse();
  return { mounts, notFound };
}

/** Returns the references of a URL map without calling a factory. */
function urlmapChildren(globalConf: Conf, localConf: Conf): AskedChild[] {
  const fallback = localConf.get('not_found_app') ?? globalConf.get('not_found_app') ?? '';
  const mounts = mountOptions(localConf).map((option) => [option, localConf.get(option)!] as const);
  const asked = fallback === '' ? mounts : [['not_found_app', fallback] as const, ...mounts];
  return asked.map(([option, name]) => ({ get: 'app', name, option, inherits: true }));
}

/** Returns the options that are mounts. */
function mountOptions(localConf: Conf): string[] {
  return [...localConf.keys()].filter((name) => name !== 'not_found_app');
}

/** Returns the errors of invalid locations. */
function urlmapProblems(localConf: Conf, ctx: FactoryContext): PasteError[] {
  return refusalsOf(
    mountOptions(localConf).map((option) => () => placeOf(option, ctx.section.options.get(option)?.origin)),
  );
}

/** Returns warnings of mounts that no request reaches. */
function urlmapWarnings(localConf: Conf): CompositeWarning[] {
  const warnings: CompositeWarning[] = [];
  const taken = new Map<string, string>();
  for (const option of mountOptions(localConf)) {
    // An invalid place is reported as a problem.
    const place = ignoreErrors(() => placeOf(option));
    if (place === undefined) continue;
    const key = `${place.domain ?? ''} ${place.path}`;
    const earlier = taken.get(key);
    if (earlier !== undefined) {
      const message = `"${earlier}" has the same mount; "${option}" replaces it.`;
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

/**
 * Returns the path of the remaining target; runs of `/` become one, unless paths stay as they were sent. Throws a 400 fault for a target that is not a path: `*`, or a
 * host and port.
 */
function pathOf(exchange: Exchange): string {
  const { targetPath: path } = targetOf(exchange);
  if (path !== '' && path.charCodeAt(0) !== SLASH)
    throw new Fault(400, { message: 'The request target is not a path.' });
  return path.includes('//') && exchange.serverState?.pathsAsSent !== true ? collapsed(path) : path;
}

const SLASH = 0x2f;

/** Returns a function that finds the mount for a path of a request, with the host and scheme from `proxy_headers`. */
export function matchIn(table: MountTable): (path: string, req: IncomingMessage) => Match | undefined {
  if (!table.looksAtHost) return table.anyHost.find;
  return (path, req) => {
    const { host, scheme } = remoteOf(req);
    const header = (host ?? '').toLowerCase();
    const colon = header.indexOf(':');
    if (colon >= 0) return table.find(path, header.slice(0, colon), header.slice(colon + 1));
    return table.find(path, header, scheme === 'https' ? '443' : '80');
  };
}

/** Moves the mount's prefix of a path, with each run of `/` as one, to the script name, and returns the app of the mount. */
function moveToMount(exchange: Exchange, chosen: ChosenMount, path: string): App {
  const { mount, prefix, byVersion, contentType } = chosen;
  exchange.scriptName += prefix;
  exchange.mountTemplate += prefix;
  if (contentType !== undefined) exchange.bestContentType = contentType;
  if (byVersion !== true) {
    const { targetPath, targetQuery, targetText } = exchange;
    const rest = path.slice(prefix.length);
    exchange.targetPath = rest;
    exchange.targetText = targetPath === targetText ? rest : decodePath(rest);
    // At the mount itself, PasteDeploy's PATH_INFO is empty, and a URL begins with a slash.
    exchange.targetUrl = `${rest === '' ? '/' : rest}${targetQuery}`;
    exchange.req.url = exchange.targetUrl;
  }
  return mount.app;
}
