/**
 * From a compiled table to what is done for each of its routes; all mistakes are collected.
 */
import type { Filter } from '../app/index.js';
import type { Logger } from '../log.js';
import type { CompiledRoute } from './compiled-route.js';
import type { Controllers } from './controllers.js';
import type { Mapper } from './mapper.js';
import type { Route } from './route.js';
import { definitionError, RouteError } from './route-error.js';
import type { KeptSettings } from './route-settings.js';
import type { RouteTable } from './route-table.js';
import type { RouterOptions } from './router-options.js';
import { type ActionTarget, fastifyKey, makeTarget, type ServedRoute, type TargetSource } from './served-route.js';

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
  readonly refuse: (error: RouteError) => void;
}

/** What is done for each route, by its place in the table. */
export function buildServed(parts: RouterParts, source: TargetSource): readonly ServedRoute[] {
  return parts.table.routes.map((compiled) => {
    const { route } = compiled;
    try {
      return serve(compiled, parts, source);
    } catch (error) {
      parts.refuse(definitionError(error as Error, route.template, parts.mapper.originOf(route)));
      return { kind: 'mount', matched: matchedOf(compiled), app: () => undefined };
    }
  });
}

/** Targets for routes whose controller or action is a variable: every action of every controller, by name. */
export function dynamicTargets(
  parts: RouterParts,
  source: TargetSource,
): (controller: string, action: string, route: Route) => ActionTarget | null {
  const targets = new Map<Route, Map<string, ActionTarget>>();
  return (controller, action, route) => {
    const known = targets.get(route) ?? new Map<string, ActionTarget>();
    targets.set(route, known);
    const key = `${controller} ${action}`;
    const present = known.get(key);
    if (present !== undefined) return present;
    if (!parts.controllers.has(controller)) return null;
    // Only names that exist are kept, so a client cannot make the table grow.
    if (!parts.controllers.resource(controller).actionNames().includes(action)) return null;
    const made = makeTarget(source, controller, action, parts.settings.get(route) ?? {}, parts.filters);
    known.set(key, made);
    return made;
  };
}

function serve(compiled: CompiledRoute, parts: RouterParts, source: TargetSource): ServedRoute {
  const { route } = compiled;
  const matched = matchedOf(compiled);
  const redirect = parts.mapper.redirectOf(route);
  if (redirect !== undefined) return { kind: 'redirect', matched, redirect };
  const settings = parts.settings.get(route) ?? {};
  if (settings.mounted !== undefined) return { kind: 'mount', matched, app: settings.mounted };
  const target = targetOf(compiled, settings, parts, source);
  return { kind: 'action', compiled, matched, settings, target, key: fastifyKey(compiled) };
}

function targetOf(
  { route }: CompiledRoute,
  settings: KeptSettings,
  parts: RouterParts,
  source: TargetSource,
): ActionTarget | null {
  if (route.variables.has('controller') || route.variables.has('action')) return null;
  const controller = route.defaults.get('controller');
  const action = route.defaults.get('action');
  if (typeof controller === 'string' && typeof action === 'string') {
    return makeTarget(source, controller, action, settings, parts.filters);
  }
  throw new RouteError('PORTICO_ROUTE_NO_CONTROLLER', {
    message: typeof controller === 'string' ? 'the route has no action' : 'the route has no controller',
    hint: "connect(path, { controller: 'servers', action: 'show' }), or a handler.",
  });
}

function matchedOf({ route }: CompiledRoute): MatchedInfo {
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  return {
    name: route.name,
    template: route.template,
    controller: text(route.defaults.get('controller')),
    action: text(route.defaults.get('action')),
  };
}

type MatchedInfo = ServedRoute['matched'];
