/**
 * From a compiled table to what is done for each of its routes; all mistakes are collected.
 */
import type { Filter } from '../../app/index.js';
import type { Origin, PorticoError } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import type { Controllers } from '../actions/controllers.js';
import { NoAction } from '../actions/resource.js';
import type { Mapper } from '../mapper/mapper.js';
import type { Route } from '../mapper/route.js';
import { definitionError, RouteError } from '../mapper/route-error.js';
import type { KeptSettings } from '../mapper/route-settings.js';
import type { CompiledRoute } from '../matching/compiled-route.js';
import type { RouteTable } from '../matching/route-table.js';
import type { RouterOptions } from '../router-options.js';
import { ParamReader } from '../template/param-reader.js';
import {
  type ActionTarget,
  makeTarget,
  methodsOf,
  type NamedTargets,
  type ServedRoute,
  type TargetRoute,
  type TargetSource,
} from './served-route.js';

/** What a router is built from. */
export interface RouterParts {
  readonly options: RouterOptions;
  readonly log: Logger;
  readonly mapper: Mapper;
  readonly table: RouteTable;
  readonly controllers: Controllers;
  readonly settings: ReadonlyMap<Route, KeptSettings>;
  readonly filters: readonly Filter[];
  /** Takes note of a mistake; the build fails with all of them. */
  readonly refuse: (error: PorticoError) => void;
}

/** What is done for each route, by its place in the table. */
export function buildServed(parts: RouterParts, source: TargetSource): readonly ServedRoute[] {
  const served: ServedRoute[] = [];
  const mistakes: Mistake[] = [];
  for (const compiled of parts.table.routes) {
    const { route } = compiled;
    try {
      served.push(serve(compiled, parts, source));
    } catch (error) {
      mistakes.push({ error: error as Error, route, origin: parts.mapper.originOf(route) });
    }
  }
  for (const error of jointMistakes(mistakes)) parts.refuse(error);
  return served;
}

function serve(compiled: CompiledRoute, parts: RouterParts, source: TargetSource): ServedRoute {
  const { route } = compiled;
  const targetRoute = targetRouteOf(compiled, parts);
  const { settings } = targetRoute;
  const params = new ParamReader(compiled, settings.types ?? new Map());
  const shared = { matched: matchedOf(compiled), params };
  const redirect = parts.mapper.redirectOf(route);
  if (redirect !== undefined) return { kind: 'redirect', ...shared, redirect };
  if (settings.mounted !== undefined) return { kind: 'mount', ...shared, app: settings.mounted };
  const { variables } = route;
  const isNamed = variables.has('controller') || variables.has('action');
  return {
    kind: 'action',
    ...shared,
    settings,
    target: isNamed ? null : targetOf(targetRoute, source),
    named: isNamed ? namedTargets(targetRoute, parts, source) : new Map(),
  };
}

function targetRouteOf(compiled: CompiledRoute, parts: RouterParts): TargetRoute {
  const { settings, filters } = parts;
  return { compiled, settings: settings.get(compiled.route) ?? {}, filters, methods: methodsOf(compiled) };
}

/** All that a path may name: mistakes in them are found now, not when a client names them. */
function namedTargets(
  targetRoute: TargetRoute,
  { controllers, options }: RouterParts,
  source: TargetSource,
): NamedTargets {
  const { variables, defaults } = targetRoute.compiled.route;
  const listed = variables.has('controller') ? Object.keys(options.controllers ?? {}) : [defaults.get('controller')];
  const targets = new Map<string, Map<string, ActionTarget>>();
  for (const controller of listed) {
    if (typeof controller !== 'string') throw noController(controller);
    const names = controllers.resource(controller).actionNames();
    const wanted = variables.has('action') ? names : names.filter((name) => name === defaults.get('action'));
    const made = new Map<string, ActionTarget>();
    for (const action of wanted) {
      made.set(action, makeTarget(source, controller, action, targetRoute));
    }
    targets.set(controller, made);
  }
  return targets;
}

function targetOf(targetRoute: TargetRoute, source: TargetSource): ActionTarget {
  const { defaults } = targetRoute.compiled.route;
  const controller = defaults.get('controller');
  const action = defaults.get('action');
  if (typeof controller === 'string' && typeof action === 'string') {
    return makeTarget(source, controller, action, targetRoute);
  }
  throw noController(controller);
}

function noController(controller: unknown): RouteError {
  return new RouteError('PORTICO_ROUTE_NO_CONTROLLER', {
    message: typeof controller === 'string' ? 'the route has no action' : 'the route has no controller',
    hint: "connect(path, { controller: 'servers', action: 'show' }), or a handler.",
  });
}

function matchedOf({ route }: CompiledRoute): ServedRoute['matched'] {
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  return {
    name: route.name,
    template: route.template,
    controller: text(route.defaults.get('controller')),
    action: text(route.defaults.get('action')),
  };
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
