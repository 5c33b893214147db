/**
 * Warnings about a table when it is built: misleading routes, and routes that can never match.
 */

import { nearestOrAll } from '../../errors/index.js';
import { placeText, warnOfTable } from '../built-router.js';
import type { CompiledRoute } from '../matching/compiled-route.js';
import type { PlannedRoute } from '../matching/segment-steps.js';
import { warningsOf } from '../matching/template-warnings.js';
import { namedMethods } from '../route/conditions.js';
import { RouteError } from '../route/route-error.js';
import { urlNamesIn } from '../urls/names-in-source.js';
import { isEmpty, stepsMeet } from './covered-steps.js';
import { countSegments, EarlierRoutes, restOf } from './earlier-routes.js';
import { type RouterParts, type ServedRoute, servedMethods } from './served-route.js';

/** Warns or refuses, depending on the router's options. */
export function checkTable({ table, mapper, log, options, refuse }: RouterParts): void {
  for (const { route, code, message, hint } of warningsOf(table.routes.map((compiled) => compiled.route))) {
    const origin = mapper.originOf(route);
    warnOfTable(log, { code, message: `the route ${route.template}: ${message}`, hint, origin });
  }
  const { onShadow = 'warn' } = options;
  if (onShadow === 'ignore') return;
  const code = 'PORTICO_ROUTE_SHADOWED';
  for (const { compiled, by } of findShadowed(table.planned)) {
    const others = by.map(({ route }) => `${route.template} (${placeText(mapper.originOf(route))})`).join(', ');
    const message = `the route ${compiled.route.template} can never match: ${others} matches the same requests, and is tried first`;
    const shadowed = { message, origin: mapper.originOf(compiled.route), hint: 'Remove it, or define it earlier.' };
    if (onShadow === 'warn') warnOfTable(log, { code, ...shadowed });
    else refuse(new RouteError(code, shadowed));
  }
}

/** Warns of misspelt names of routes in the actions. */
export function checkUrlNames({ mapper, log }: RouterParts, served: readonly ServedRoute[]): void {
  const told = new Set<string>();
  for (const action of served.filter((each) => each.kind === 'action')) {
    for (const name of servedMethods(action).flatMap(({ handler }) => urlNamesIn(handler))) {
      if (mapper.names.has(name) || told.has(name)) continue;
      told.add(name);
      const message = `the action of the route ${action.matched.template}: no route is called "${name}"`;
      const hint = nearestOrAll(name, mapper.names.keys(), 'Routes');
      warnOfTable(log, { code: 'PORTICO_ROUTE_GENERATION', message, hint, origin: mapper.originOf(action.route) });
    }
  }
}

/** Two routes that match a common path. */
export interface Overlap {
  /** The route that is tried first. */
  readonly earlier: CompiledRoute;
  readonly later: CompiledRoute;
  /** True if only the order of definition decides, not a longer prefix. */
  readonly byDefinition: boolean;
  /** Number of segments in which the earlier route is less specific: `/{a}/{b}` before `/{a}/detail` has one. */
  readonly surprises: number;
}

/** Returns overlaps of routes with a common method, the most confusing first; `planned`: in the order in which they are tried. */
export function findOverlaps(planned: readonly PlannedRoute[]): Overlap[] {
  const overlaps: Overlap[] = [];
  for (const [index, later] of planned.entries()) {
    for (const earlier of planned.slice(0, index)) {
      if (!meet(earlier, later) || !shareMethod(earlier.compiled, later.compiled)) continue;
      const surprises = countSurprises(earlier, later);
      const byDefinition = earlier.compiled.prefix === later.compiled.prefix;
      overlaps.push({ earlier: earlier.compiled, later: later.compiled, byDefinition, surprises });
    }
  }
  return overlaps.sort((a, b) => Number(b.byDefinition) - Number(a.byDefinition) || b.surprises - a.surprises);
}

function meet(a: PlannedRoute, b: PlannedRoute): boolean {
  if (!textsMeet(a.compiled, b.compiled)) return false;
  if (a.isWhole && b.isWhole && a.steps.length !== b.steps.length) return false;
  // A route whose rest spans segments needs at least one more than its independent ones.
  if (a.isWhole && !b.isWhole && a.steps.length <= b.steps.length) return false;
  if (b.isWhole && !a.isWhole && b.steps.length <= a.steps.length) return false;
  return a.steps.every((step, index) => b.steps[index] === undefined || stepsMeet(step, b.steps[index]));
}

/** Reports whether one path can have the fixed text of both: the whole text without variables, else its start. */
function textsMeet(a: CompiledRoute, b: CompiledRoute): boolean {
  if (a.route.minimize || b.route.minimize) return true;
  if (a.route.variables.size === 0) return b.capture(textOf(a)) !== null;
  if (b.route.variables.size === 0) return a.capture(textOf(b)) !== null;
  return a.prefix.startsWith(b.prefix) || b.prefix.startsWith(a.prefix);
}

function textOf({ route }: CompiledRoute): string {
  return route.parts.filter((part) => typeof part === 'string').join('');
}

function shareMethod({ route: a }: CompiledRoute, { route: b }: CompiledRoute): boolean {
  const other = b.conditions?.method;
  return other === undefined || (namedMethods(a.conditions)?.some((method) => other.includes(method)) ?? true);
}

function countSurprises(a: PlannedRoute, b: PlannedRoute): number {
  const lessDefinite = a.steps.filter(
    (step, index) => step.kind !== 'literal' && b.steps[index]?.kind === 'literal',
  ).length;
  return !a.isWhole && b.isWhole ? lessDefinite + 1 : lessDefinite;
}

/** A route that can never match, and the earlier ones that match all its paths. */
export interface Shadowed {
  readonly compiled: CompiledRoute;
  readonly by: readonly CompiledRoute[];
}

/** Returns all routes that can never match; `planned`: in the order in which they are tried. */
export function findShadowed(planned: readonly PlannedRoute[]): Shadowed[] {
  const shadowed: Shadowed[] = [];
  const earlier = new EarlierRoutes();
  for (const route of planned) {
    const by = shadowing(earlier.along(route), route);
    if (by.length > 0) shadowed.push({ compiled: route.compiled, by });
    earlier.add(route);
  }
  return shadowed;
}

/** Returns the candidates that cover the route for each of its methods; empty if a method is left. */
function shadowing(candidates: readonly PlannedRoute[], later: PlannedRoute): CompiledRoute[] {
  const covering = candidates
    .filter((earlier) => coversPaths(earlier, later))
    .map(({ compiled }) => ({ compiled, methods: namedMethods(compiled.route.conditions) }));
  const any = covering.find(({ methods }) => methods === null);
  if (any !== undefined) return [any.compiled];
  const wanted = namedMethods(later.compiled.route.conditions) ?? [];
  const by = wanted.map((method) => covering.find(({ methods }) => methods!.includes(method))?.compiled);
  return by.includes(undefined) ? [] : [...new Set(by as CompiledRoute[])];
}

/** Reports whether a route with some of the steps and conditions of a later one matches all its paths. */
function coversPaths(earlier: PlannedRoute, later: PlannedRoute): boolean {
  const { length } = earlier.steps;
  const { compiled, isWhole, steps: taken } = later;
  switch (restOf(earlier)) {
    case 'none':
      return isWhole && taken.length === length;
    case 'anything':
      return taken.length > length || continues(compiled, length);
    case 'something':
      return taken.length > length && !isEmpty(taken.at(-1)!);
    default:
      return !isWhole;
  }
}

/** Reports whether a path of the route has a segment after these. */
function continues({ route }: CompiledRoute, steps: number): boolean {
  return !route.minimize && route.template.startsWith('/') && countSegments(route.parts) >= steps;
}
