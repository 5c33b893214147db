/**
 * From a compiled table to what is done for each of its routes; all mistakes are collected.
 */
import type { Filter } from '../../app/index.js';
import type { PorticoError } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import type { Controllers } from '../actions/controllers.js';
import type { Mapper } from '../mapper/mapper.js';
import type { Route } from '../mapper/route.js';
import { RouteError } from '../mapper/route-error.js';
import type { KeptSettings } from '../mapper/route-settings.js';
import type { CompiledRoute } from '../matching/compiled-route.js';
import type { RouteTable } from '../matching/route-table.js';
import type { RouterOptions } from '../router-options.js';
import { ParamReader } from '../template/param-reader.js';
import { jointMistakes, type Mistake } from './joint-mistakes.js';
import {
  type ActionTarget,
  makeTarget,
  methodsOf,
  type NamedTargets,
  type ServedRoute,
  type TargetPlace,
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
  const place = placeOf(compiled, parts);
  const { settings } = place;
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
    target: isNamed ? null : targetOf(place, source),
    named: isNamed ? namedTargets(place, parts, source) : new Map(),
  };
}

function placeOf(compiled: CompiledRoute, parts: RouterParts): TargetPlace {
  const { settings, filters } = parts;
  return { compiled, settings: settings.get(compiled.route) ?? {}, filters, methods: methodsOf(compiled) };
}

/** All that a path may name: mistakes in them are found now, not when a client names them. */
function namedTargets(place: TargetPlace, { controllers, options }: RouterParts, source: TargetSource): NamedTargets {
  const { variables, defaults } = place.compiled.route;
  const listed = variables.has('controller') ? Object.keys(options.controllers ?? {}) : [defaults.get('controller')];
  const targets = new Map<string, Map<string, ActionTarget>>();
  for (const controller of listed) {
    if (typeof controller !== 'string') throw noController(controller);
    const names = controllers.resource(controller).actionNames();
    const wanted = variables.has('action') ? names : names.filter((name) => name === defaults.get('action'));
    const made = new Map<string, ActionTarget>();
    for (const action of wanted) {
      made.set(action, makeTarget(source, controller, action, place));
    }
    targets.set(controller, made);
  }
  return targets;
}

function targetOf(place: TargetPlace, source: TargetSource): ActionTarget {
  const { defaults } = place.compiled.route;
  const controller = defaults.get('controller');
  const action = defaults.get('action');
  if (typeof controller === 'string' && typeof action === 'string') {
    return makeTarget(source, controller, action, place);
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
