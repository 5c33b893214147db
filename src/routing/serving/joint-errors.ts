/**
 * Errors of a table that have the same cause, as one error.
 */
import type { Origin } from '../../errors/index.js';
import { NoAction } from '../actions/controllers.js';
import type { Route } from '../route/route.js';
import { definitionError, RouteError } from '../route/route-error.js';
import type { RouterParts } from './served-route.js';

/** An error in a route, with the place of its definition. */
export interface Issue {
  readonly error: Error;
  readonly route: Route;
  readonly origin: Origin | undefined;
}

/** Joins errors with the same cause: equal ones of one call, and those that name missing actions of one controller. */
export function jointErrors(issues: readonly Issue[], parts: RouterParts): RouteError[] {
  const causes = new Map<string, Issue[]>();
  for (const issue of issues) {
    const { error, origin } = issue;
    const said = error instanceof NoAction ? `no action in ${error.controller}` : error.message;
    const cause = `${placeOf(origin)} ${said}`;
    const present = causes.get(cause);
    if (present === undefined) causes.set(cause, [issue]);
    else present.push(issue);
  }
  return [...causes.values()].map((each) => joint(each, parts));
}

function placeOf(origin: Origin | undefined): string {
  return `${origin?.file}:${origin?.line}:${origin?.column}`;
}

/** Returns the actions of the routes of the same `resource` call. */
function actionsBeside({ route, origin }: Issue, { table, mapper }: RouterParts): ReadonlySet<unknown> {
  const { _collectionName: collection } = route.options;
  const beside = table.routes.filter(
    ({ route: other }) =>
      other.options._collectionName === collection && placeOf(mapper.originOf(other)) === placeOf(origin),
  );
  return new Set(beside.map((each) => each.route.options.action));
}

function joint(issues: readonly Issue[], parts: RouterParts): RouteError {
  const [{ error, route, origin }] = issues as readonly [Issue];
  if (issues.length === 1) return definitionError(error, route.template, origin);
  const { _collectionName: collection } = route.options;
  const templates = [...new Set(issues.map((issue) => JSON.stringify(issue.route.template)))];
  const subject = collection === undefined ? `the routes ${templates.join(', ')}` : `the resource "${collection}"`;
  const lacking = issues.flatMap((issue) => (issue.error instanceof NoAction ? [issue.error] : []));
  if (lacking.length === 0) {
    const { code = 'PORTICO_ROUTE_DEFINITION', hint } = error as Partial<RouteError>;
    return new RouteError(code, { message: `${subject}: ${error.message}`, hint, origin, cause: error });
  }
  const { controller, names } = lacking[0]!;
  const actions = [...new Set(lacking.map(({ action }) => action))];
  const wanted = actions.map((action) => `"${action}"`).join(', ');
  const has = `It has: ${names.join(', ') || 'none'}.`;
  const known = collection === undefined ? new Set() : actionsBeside(issues[0]!, parts);
  const only = names.filter((name) => known.has(name)).map((name) => `'${name}'`);
  return new RouteError('PORTICO_ROUTE_NO_ACTION', {
    message: `${subject}: the controller ${controller} has no ${actions.length === 1 ? 'action' : 'actions'} ${wanted}`,
    hint: only.length === 0 ? has : `${has} Write only: [${only.join(', ')}], or add the others.`,
    origin,
    cause: error,
  });
}
