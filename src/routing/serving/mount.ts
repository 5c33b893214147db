/**
 * An app at a route: moves the border between script name and path, and moves it back if the app fails.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { environ } from '../../app/index.js';
import { catching, type Exchange } from '../../app/internal.js';
import type { ServedMount } from './served-route.js';

/** Calls an app with the rest of the path; `pathInfo`: that rest, decoded, as matched by the route. */
export function callMounted(
  { app, place }: ServedMount,
  exchange: Exchange,
  res: ServerResponse,
  pathInfo: unknown,
): void | Promise<void> {
  const { req, mountTemplate: mount, scriptName } = exchange;
  const url = req.url ?? '/';
  enterMount(req, pathInfo);
  exchange.mountTemplate += place;
  return catching(app, (error) => {
    req.url = url;
    exchange.scriptName = scriptName;
    exchange.mountTemplate = mount;
    throw error;
  })(req, res);
}

/** Moves the mount's part of the path to the script name. */
export function enterMount(req: IncomingMessage, pathInfo: unknown): void {
  const env = environ(req);
  const url = req.url ?? '/';
  const cut = cutAt(url, typeof pathInfo === 'string' ? pathInfo : null);
  env.scriptName += url.slice(0, cut.end);
  req.url = cut.rest;
}

/**
 * Returns the end of the consumed part of a raw URL. Every slash of the decoded path is a slash or a `%2F` of the raw one, so counting
 * those of the rest from the end finds the border.
 */
function cutAt(url: string, pathInfo: string | null): { readonly end: number; readonly rest: string } {
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  const query = mark < 0 ? '' : url.slice(mark);
  if (pathInfo === null) return { end: path.length, rest: `/${query}` };
  const slashes = [...path.matchAll(/\/|%2f/gi)];
  const border = slashes[slashes.length - pathInfo.split('/').length];
  if (border === undefined) return { end: path.length, rest: `/${query}` };
  return { end: border.index, rest: `/${path.slice(border.index + border[0].length)}${query}` };
}
