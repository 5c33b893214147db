/**
 * What Routes' middleware and nova's router answer for a request: a controller's name, a redirect, 404 or 500.
 */
import type { MatchRequest } from '../mapper/conditions.js';
import type { Mapper } from '../mapper/mapper.js';
import { GenerationError } from '../mapper/route-error.js';
import { pythonText } from '../template/python-text.js';
import type { UrlContext } from '../urls/url-builder.js';

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
 * `pathInfo` becomes what is left, with a slash in front; script name grows by what stood before it. Where it does not
 * stand at the end behind a slash of its own, script name grows by the whole path, as in Routes.
 */
function consumePath(line: PathLine, pathInfo: string): PathLine {
  const { scriptName, pathInfo: path } = line;
  const end = `/${pathInfo}`;
  const consumed = path.endsWith(end) ? path.slice(0, path.length - end.length) : path;
  return { scriptName: scriptName + consumed, pathInfo: pathInfo.startsWith('/') ? pathInfo : end };
}
