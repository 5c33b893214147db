/**
 * Warnings about a table when it is built: misleading routes, and routes that can never match.
 */
import { placeText, warnOfTable } from '../built-router.js';
import type { CompiledRoute } from '../matching/compiled-route.js';
import { SegmentTree } from '../matching/segment-tree.js';
import { isEmpty, type Segment } from '../matching/segments.js';
import { warningsOf } from '../matching/template-warnings.js';
import { namedMethods } from '../route/conditions.js';
import type { Route } from '../route/route.js';
import { RouteError } from '../route/route-error.js';
import { requirementOf } from '../template/template.js';
import type { RouterParts } from './served-route.js';

/** Warns or refuses, depending on the router's options. */
export function checkTable({ table, mapper, log, options, refuse }: RouterParts): void {
  for (const { route, code, message, hint } of warningsOf(table.routes.map((compiled) => compiled.route))) {
    const origin = mapper.originOf(route);
    warnOfTable(log, { code, message: `the route ${route.template}: ${message}`, hint, origin });
  }
  const { onShadow = 'warn' } = options;
  if (onShadow === 'ignore') return;
  const code = 'PORTICO_ROUTE_SHADOWED';
  for (const { compiled, by } of findShadowed(table.ranked)) {
    const { route } = compiled;
    const placed = (other: Route): string => `${other.template} (${placeText(mapper.originOf(other))})`;
    const twin = by.map((other) => other.route).find((other) => isTwin(other, route));
    const methods = namedMethods(route.conditions)?.join(', ').concat(' ') ?? '';
    const others = by.map((other) => placed(other.route)).join(', ');
    const shadowed = {
      origin: mapper.originOf(route),
      ...(twin === undefined
        ? {
            message: `the route ${route.template} can never match: ${others} matches the same requests, and is tried first`,
            hint: 'Remove it, or define it earlier.',
          }
        : {
            message: `the route ${methods}${route.template} can never match: it is a duplicate of ${methods}${placed(twin)}`,
            hint: 'Remove one of the two.',
          }),
    };
    if (onShadow === 'warn') warnOfTable(log, { code, ...shadowed });
    else refuse(new RouteError(code, shadowed));
  }
}

/** Reports whether two routes, of which one covers the other, have the same path and methods. */
function isTwin(a: Route, b: Route): boolean {
  return a.template === b.template && namedMethods(a.conditions)?.join() === namedMethods(b.conditions)?.join();
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

/** Returns overlaps of routes with a common method, the most confusing first; `ranked`: in the order in which they are tried. */
export function findOverlaps(ranked: readonly CompiledRoute[]): Overlap[] {
  const overlaps: Overlap[] = [];
  for (const [index, later] of ranked.entries()) {
    for (const earlier of ranked.slice(0, index)) {
      if (!meet(earlier, later) || !shareMethod(earlier, later)) continue;
      const byDefinition = earlier.prefix === later.prefix;
      overlaps.push({ earlier, later, byDefinition, surprises: countSurprises(earlier, later) });
    }
  }
  return overlaps.sort((a, b) => Number(b.byDefinition) - Number(a.byDefinition) || b.surprises - a.surprises);
}

/** Reports whether both match a common path; true if that is undecidable. */
function meet(a: CompiledRoute, b: CompiledRoute): boolean {
  if (!textsMeet(a, b)) return false;
  // A route whose rest spans segments needs at least one more than its independent ones.
  const [isTooShort, isTooLong] = [a, b].map(({ isWhole }, at) => {
    const [own, other] = at === 0 ? [a, b] : [b, a];
    return isWhole && own.segments.length < other.segments.length + (other.isWhole ? 0 : 1);
  });
  if (isTooShort === true || isTooLong === true) return false;
  return a.segments.every((segment, at) => b.segments[at] === undefined || segmentsMeet(segment, b.segments[at]));
}

/** Returns the whole path of a route without variables. */
function textOf({ route }: CompiledRoute): string {
  return route.parts.filter((part) => typeof part === 'string').join('');
}

/** Reports whether one path can have the fixed text of both: the whole text without variables, else its start. */
function textsMeet(a: CompiledRoute, b: CompiledRoute): boolean {
  if (a.route.minimize || b.route.minimize) return true;
  if (a.route.variables.size === 0) return b.takes(textOf(a));
  if (b.route.variables.size === 0) return a.takes(textOf(b));
  return a.prefix.startsWith(b.prefix) || b.prefix.startsWith(a.prefix);
}

function segmentsMeet(a: Segment, b: Segment): boolean {
  const [text, other] = a.text === undefined ? [b.text, a] : [a.text, b];
  return text === undefined || other.takes(text, 0, text.length);
}

function shareMethod({ route: a }: CompiledRoute, { route: b }: CompiledRoute): boolean {
  const other = b.conditions?.method;
  return other === undefined || (namedMethods(a.conditions)?.some((method) => other.includes(method)) ?? true);
}

function countSurprises(a: CompiledRoute, b: CompiledRoute): number {
  const lessDefinite = a.segments.filter(({ text }, at) => text === undefined && b.segments[at]?.text !== undefined);
  return lessDefinite.length + (!a.isWhole && b.isWhole ? 1 : 0);
}

/** A route that can never match, and the earlier ones that match all its paths. */
export interface Shadowed {
  readonly compiled: CompiledRoute;
  readonly by: readonly CompiledRoute[];
}

/** Returns all routes that can never match; `ranked`: in the order in which they are tried. The tree that finds routes has the candidates. */
export function findShadowed(ranked: readonly CompiledRoute[]): Shadowed[] {
  const earlier = new SegmentTree();
  return ranked.flatMap((compiled) => {
    const by = shadowing(earlier.along(compiled), compiled);
    earlier.add(compiled);
    return by.length === 0 ? [] : [{ compiled, by }];
  });
}

/** Returns the candidates that cover the route for each of its methods; empty if a method is left. */
function shadowing(candidates: readonly CompiledRoute[], later: CompiledRoute): CompiledRoute[] {
  const covering = candidates
    .filter((earlier) => holdsConditions(earlier, later) && coversPaths(earlier, later))
    .sort((a, b) => a.rank - b.rank)
    .map((compiled) => ({ compiled, methods: namedMethods(compiled.route.conditions) }));
  const any = covering.find(({ methods }) => methods === null);
  if (any !== undefined) return [any.compiled];
  const wanted = namedMethods(later.route.conditions) ?? [];
  const by = wanted.map((method) => covering.find(({ methods }) => methods!.includes(method))?.compiled);
  return by.includes(undefined) ? [] : [...new Set(by as CompiledRoute[])];
}

/** Reports whether a route has no conditions, besides its methods, that a later one does not have. */
function holdsConditions(
  { conditional, route: { conditions: own } }: CompiledRoute,
  { route }: CompiledRoute,
): boolean {
  const other = route.conditions;
  const isSame =
    own?.function === other?.function && JSON.stringify(own?.subDomain) === JSON.stringify(other?.subDomain);
  return !conditional || isSame;
}

/** Reports whether a route, whose segments match those of every path of a later one, matches all paths of it. */
function coversPaths(earlier: CompiledRoute, later: CompiledRoute): boolean {
  const { segments, isWhole } = later;
  const { length } = earlier.segments;
  switch (restOf(earlier)) {
    case 'none':
      return isWhole && segments.length === length;
    case 'anything':
      return segments.length > length || continues(later, length);
    case 'something':
      return segments.length > length && !isEmpty(segments.at(-1)!);
    default:
      return !isWhole && earlier.pattern === later.pattern;
  }
}

/** Reports whether a path of the route has a segment after these. */
function continues({ route }: CompiledRoute, segments: number): boolean {
  return !route.minimize && route.template.startsWith('/') && countSegments(route.parts) >= segments;
}

/** Returns the kind of a route's rest: none, one variable that takes any rest, or any but an empty one; or an expression. */
function restOf({ route, segments, isWhole }: CompiledRoute): 'none' | 'anything' | 'something' | 'expression' {
  if (isWhole) return 'none';
  if (route.minimize) return 'expression';
  const last = route.parts.at(-1);
  const before = route.parts.slice(0, -1);
  if (last === undefined || typeof last === 'string' || last.type === '.' || last.name === 'controller') {
    return 'expression';
  }
  const text = before.at(-1);
  if (typeof text !== 'string' || !text.endsWith('/') || countSegments(before) !== segments.length) return 'expression';
  const pattern = requirementOf(route.requirements, last.name);
  if (pattern === '.*') return 'anything';
  return pattern === '.+' || (!pattern && last.type !== ':') ? 'something' : 'expression';
}

/** Returns the number of segments of a path of these parts. */
function countSegments(parts: CompiledRoute['route']['parts']): number {
  return parts.reduce((count, part) => count + (typeof part === 'string' ? part.split('/').length - 1 : 0), 0) - 1;
}
