/**
 * From a compiled table to what is done for each of its routes; all mistakes are collected.
 */
import type { App } from '../../app/index.js';
import type { Origin } from '../../errors/index.js';
import { NoAction } from '../actions/controllers.js';
import type { Route } from '../mapper/route.js';
import { definitionError, RouteError } from '../mapper/route-error.js';
import { type RouterParts, RouteServing, type ServedRoute } from './served-route.js';

/** What is done for each route, by its place in the table. */
export function buildServed(
  parts: RouterParts,
  fastify: { readonly handToFastify: App; readonly bodyLimit: number },
): readonly ServedRoute[] {
  const serving = new RouteServing(parts, fastify);
  const served: ServedRoute[] = [];
  const mistakes: Mistake[] = [];
  for (const compiled of parts.table.routes) {
    const { route } = compiled;
    try {
      served.push(serving.served(compiled));
    } catch (error) {
      mistakes.push({ error: error as Error, route, origin: parts.mapper.originOf(route) });
    }
  }
  for (const error of jointMistakes(mistakes)) parts.refuse(error);
  return served;
}

/** What is wrong with a route, and where that was added. */
interface Mistake {
  readonly error: Error;
  readonly route: Route;
  readonly origin: Origin | undefined;
}

/** One error for each cause: those of one call that say the same, or name actions that one controller lacks. */
function jointMistakes(mistakes: readonly Mistake[]): RouteError[] {
  const causes = new Map<string, Mistake[]>();
  for (const mistake of mistakes) {
    const { error, origin } = mistake;
    const said = error instanceof NoAction ? `no action in ${error.controller}` : error.message;
    const cause = `${origin?.file}:${origin?.line}:${origin?.column} ${said}`;
    causes.set(cause, [...(causes.get(cause) ?? []), mistake]);
  }
  return [...causes.values()].map(joint);
}

function joint(mistakes: readonly Mistake[]): RouteError {
  const [{ error, route, origin }] = mistakes as readonly [Mistake];
  if (mistakes.length === 1) return definitionError(error, route.template, origin);
  const { _collectionName: collection } = route.options;
  const templates = [...new Set(mistakes.map((mistake) => JSON.stringify(mistake.route.template)))];
  const subject = collection === undefined ? `the routes ${templates.join(', ')}` : `the resource "${collection}"`;
  const lacking = mistakes.flatMap((mistake) => (mistake.error instanceof NoAction ? [mistake.error] : []));
  if (lacking.length === 0) {
    const { code = 'PORTICO_ROUTE_DEFINITION', hint } = error as Partial<RouteError>;
    return new RouteError(code, { message: `${subject}: ${error.message}`, hint, origin, cause: error });
  }
  const { controller, names } = lacking[0]!;
  const actions = [...new Set(lacking.map(({ action }) => action))];
  const wanted = actions.map((action) => `"${action}"`).join(', ');
  const only = names.map((name) => `'${name}'`).join(', ');
  const has = `It has: ${names.join(', ') || 'none'}.`;
  return new RouteError('PORTICO_ROUTE_NO_ACTION', {
    message: `${subject}: the controller ${controller} has no ${actions.length === 1 ? 'action' : 'actions'} ${wanted}`,
    hint: collection === undefined || names.length === 0 ? has : `${has} Write only: [${only}], or add the others.`,
    origin,
    cause: error,
  });
}
