/**
 * From a compiled table to what is done for each of its routes; all mistakes are collected.
 */
import type { Filter } from '../app/index.js';
import type { PorticoError } from '../errors.js';
import type { Logger } from '../log.js';
import type { CompiledRoute } from './compiled-route.js';
import type { Controllers } from './controllers.js';
import type { Mapper } from './mapper.js';
import { ParamReader } from './param-reader.js';
import type { Route } from './route.js';
import { definitionError, RouteError } from './route-error.js';
import type { KeptSettings } from './route-settings.js';
import type { RouteTable } from './route-table.js';
import type { RouterOptions } from './router-options.js';
import {
  type ActionTarget,
  makeTarget,
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
  for (const compiled of parts.table.routes) {
    const { route } = compiled;
    try {
      served.push(serve(compiled, parts, source));
    } catch (error) {
      parts.refuse(definitionError(error as Error, route.template, parts.mapper.originOf(route)));
    }
  }
  return served;
}

/** Finds the target of a route whose controller or action is a variable; null when there is none of that name. */
export type DynamicTargets = (controller: string, action: string, compiled: CompiledRoute) => ActionTarget | null;

/** Targets by the names that a path gives. Only names that exist are kept, so a client cannot make the table grow. */
export function dynamicTargets(parts: RouterParts, source: TargetSource): DynamicTargets {
  const targets = new Map<string, ActionTarget>();
  return (controller, action, compiled) => {
    const name = `${compiled.index} ${controller} ${action}`;
    const present = targets.get(name);
    if (present !== undefined) return present;
    if (!parts.controllers.has(controller)) return null;
    if (!parts.controllers.resource(controller).actionNames().includes(action)) return null;
    const made = makeTarget(source, controller, action, placeOf(compiled, parts));
    targets.set(name, made);
    return made;
  };
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
  return { kind: 'action', ...shared, compiled, settings, target: targetOf(place, source) };
}

function placeOf(compiled: CompiledRoute, parts: RouterParts): TargetPlace {
  return { compiled, settings: parts.settings.get(compiled.route) ?? {}, filters: parts.filters };
}

function targetOf(place: TargetPlace, source: TargetSource): ActionTarget | null {
  const { variables, defaults } = place.compiled.route;
  if (variables.has('controller') || variables.has('action')) return null;
  const controller = defaults.get('controller');
  const action = defaults.get('action');
  if (typeof controller === 'string' && typeof action === 'string') {
    return makeTarget(source, controller, action, place);
  }
  throw new RouteError('PORTICO_ROUTE_NO_CONTROLLER', {
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
