/**
 * A router's answers without an action: redirects, and the methods that a path takes (RFC 9110 §9.3.7, §15.5.6); and those that Routes'
 * middleware and nova's router answer for a request: a controller's name, a redirect, 404 or 500.
 */
import type { ServerResponse } from 'node:http';
import { Fault } from '../../app/index.js';
import type { Mapper, Redirect } from '../mapper/mapper.js';
import type { Found } from '../matching/compiled-route.js';
import type { RouteTable } from '../matching/route-table.js';
import type { MatchRequest } from '../route/conditions.js';
import { pythonText } from '../route/route.js';
import { GenerationError } from '../route/route-error.js';
import type { UrlContext } from '../urls/url-builder.js';

/** The methods some route takes for a path, sorted; HEAD with GET, and OPTIONS. Empty when no route takes the path. */
export function allowedMethods(table: RouteTable, path: string, request: MatchRequest | null): string[] {
  const any = path === '*';
  // One lookup for all methods, where nothing else decides: most misses are misses for each of them.
  if (!any && request === null && table.find(null, path, null) === null) return [];
  const methods = new Set<string>();
  for (const method of table.methods) {
    const takes = any
      ? table.routes.some(({ route }) => route.conditions?.method?.includes(method) ?? true)
      : table.find(method, path, request === null ? null : { ...request, method }) !== null;
    if (takes) methods.add(method);
  }
  if (methods.size === 0) return [];
  if (methods.has('GET')) methods.add('HEAD');
  return [...methods.add('OPTIONS')].sort();
}

/** 204 with `Allow`. */
export function answerOptions(res: ServerResponse, allowed: readonly string[]): undefined {
  res.statusCode = 204;
  res.setHeader('Allow', allowed.join(', '));
  res.end();
}

/** Redirects to what the match makes of the target. Throws a `Fault` 500 when it lacks a variable of the target. */
export function answerRedirect(
  res: ServerResponse,
  mapper: Mapper,
  redirect: Redirect,
  found: Found,
  context: UrlContext,
): void {
  res.setHeader('Location', safeLocation(locationOf(mapper, redirect, found, context)));
  res.setHeader('Content-Type', 'text/plain; charset=utf8');
  res.setHeader('Content-Length', 0);
  res.statusCode = redirect.status;
  res.end();
}

function locationOf(mapper: Mapper, redirect: Redirect, found: Found, context: UrlContext): string {
  try {
    return mapper.redirectLocation(redirect, found.match, context);
  } catch (cause) {
    if (!(cause instanceof GenerationError)) throw cause;
    throw new Fault(500, { safe: false, message: `redirect: ${cause.message}`, cause });
  }
}

/** Control characters would end the header, or the line of a log. */
function safeLocation(location: string): string {
  return location.replace(/[\p{Cc} ]/gu, (character) => encodeURIComponent(character));
}

/** The answer of a table to a request. */
type Dispatch = Matched | Redirected | { readonly status: 404 | 500 };

/** A controller is to be called. */
interface Matched extends PathLine {
  readonly status: 200;
  readonly controller: unknown;
  /** Null when the route has none. */
  readonly action: unknown;
  /** The match without controller and action. */
  readonly args: Readonly<Record<string, unknown>>;
  /** The place of the route in the table. */
  readonly route: number;
}

/** The route is a redirect. */
interface Redirected {
  readonly status: number;
  readonly location: string;
}

/** The answer for a path, with the method to match by in `request`. An empty match is 404, one without controller 500. */
export function dispatch(mapper: Mapper, path: string, request: MatchRequest, context: UrlContext): Dispatch {
  const found = mapper.routeMatch(path, request);
  if (found === null) return { status: 404 };
  const { match } = found;
  const redirect = mapper.redirectOf(found.compiled.route);
  if (redirect !== undefined) {
    try {
      return { status: redirect.status, location: mapper.redirectLocation(redirect, match, context) };
    } catch (error) {
      if (error instanceof GenerationError) return { status: 500 };
      throw error;
    }
  }
  if (Object.keys(match).length === 0) return { status: 404 };
  const { controller, action = null, ...args } = match;
  if (!Object.hasOwn(match, 'controller')) return { status: 500 };
  const line = { scriptName: context.scriptName ?? '', pathInfo: path };
  const moved = Object.hasOwn(match, 'path_info') ? consumePath(line, pythonText(match.path_info ?? '')) : line;
  return { status: 200, controller, action, args, ...moved, route: found.compiled.index };
}

/** Both sides of the line. */
interface PathLine {
  readonly scriptName: string;
  readonly pathInfo: string;
}

/**
 * `pathInfo` becomes what is left, with a slash in front; script name grows by what was before it. If it does not
 * is at the end behind its own slash, script name grows by the whole path, as in Routes.
 */
function consumePath(line: PathLine, pathInfo: string): PathLine {
  const { scriptName, pathInfo: path } = line;
  const end = `/${pathInfo}`;
  const consumed = path.endsWith(end) ? path.slice(0, path.length - end.length) : path;
  return { scriptName: scriptName + consumed, pathInfo: pathInfo.startsWith('/') ? pathInfo : end };
}
