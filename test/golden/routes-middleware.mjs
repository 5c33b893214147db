// The responses of Routes' middleware and nova's router to a match. Portico's Router has different ones.
import { GenerationError } from '#internal/routing';

/** Returns 404 for an empty match, and 500 for one without controller. */
export function dispatch(table, path, request, context) {
  const found = table.routeMatch(path, request);
  if (found === null) return { status: 404 };
  const redirect = table.redirectOf(found.compiled.route);
  if (redirect !== undefined) {
    try {
      return { status: redirect.status, location: table.redirectLocation(redirect, found.match, context) };
    } catch (error) {
      if (error instanceof GenerationError) return { status: 500 };
      throw error;
    }
  }
  if (Object.keys(found.match).length === 0) return { status: 404 };
  const { controller, action = null, ...args } = found.match;
  if (controller === undefined) return { status: 500 };
  const { scriptName: script_name } = context;
  const place =
    'path_info' in args ? consumed(script_name, path, args.path_info ?? '') : { script_name, path_info: path };
  return { status: 200, controller, action, args, ...place, route: found.compiled.index };
}

/**
 * Moves the part of the path before `rest` to the script name; the whole path, as in Routes, if the path does not end with a slash and
 * `rest`.
 */
function consumed(scriptName, path, rest) {
  const end = `/${rest}`;
  const front = path.endsWith(end) ? path.slice(0, -end.length) : path;
  return { script_name: scriptName + front, path_info: rest.startsWith('/') ? rest : end };
}
