/**
 * Warnings about a table when it is built: misleading routes, and routes that can never match.
 */

import { nearestOrAll } from '../../errors/index.js';
import { placeText, warnOfTable } from '../built-router.js';
import type { CompiledRoute } from '../matching/compiled-route.js';
import type { PlannedRoute, Step } from '../matching/segment-steps.js';
import { warningsOf } from '../matching/template-warnings.js';
import { namedMethods } from '../route/conditions.js';
import { RouteError } from '../route/route-error.js';
import { PLAIN } from '../template/template.js';
import { urlNamesIn } from '../urls/names-in-source.js';
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
  const earlier = new Earlier();
  for (const route of planned) {
    const by = shadowing(earlier.along(route.steps), route);
    if (by.length > 0) shadowed.push({ compiled: route.compiled, by });
    earlier.add(route);
  }
  return shadowed;
}

/** Routes by their steps, so that most pairs are never compared: a text is only covered by itself, or by a step that is not a text. */
class Earlier {
  readonly #routes: PlannedRoute[] = [];
  readonly #texts = new Map<string, Earlier>();
  #other: Earlier | undefined;

  add(route: PlannedRoute, at = 0): void {
    const step = route.steps[at];
    if (step === undefined) this.#routes.push(route);
    else this.#next(step).add(route, at + 1);
  }

  #next(step: Step): Earlier {
    if (step.kind !== 'literal') {
      this.#other ??= new Earlier();
      return this.#other;
    }
    const next = this.#texts.get(step.text) ?? new Earlier();
    this.#texts.set(step.text, next);
    return next;
  }

  /** Returns the routes that may cover one with these steps: those that begin with a text first, then in the order in which they are tried. */
  along(steps: readonly Step[]): PlannedRoute[] {
    const found: PlannedRoute[] = [];
    this.collect(steps, 0, found);
    const place = (route: PlannedRoute): number => (route.steps[0]?.kind === 'literal' ? 0 : 1);
    return found.sort((a, b) => place(a) - place(b) || a.compiled.rank - b.compiled.rank);
  }

  private collect(steps: readonly Step[], at: number, found: PlannedRoute[]): void {
    found.push(...this.#routes);
    const step = steps[at];
    if (step === undefined) return;
    if (step.kind === 'literal') this.#texts.get(step.text)?.collect(steps, at + 1, found);
    this.#other?.collect(steps, at + 1, found);
  }
}

/** Returns the candidates that cover the route for each of its methods; empty if a method is left. */
function shadowing(candidates: readonly PlannedRoute[], later: PlannedRoute): CompiledRoute[] {
  const covering = candidates
    .filter((earlier) => coversConditions(earlier, later) && coversPaths(earlier, later))
    .map(({ compiled }) => ({ compiled, methods: namedMethods(compiled.route.conditions) }));
  const any = covering.find(({ methods }) => methods === null);
  if (any !== undefined) return [any.compiled];
  const wanted = namedMethods(later.compiled.route.conditions) ?? [];
  const by = wanted.map((method) => covering.find(({ methods }) => methods!.includes(method))?.compiled);
  return by.includes(undefined) ? [] : [...new Set(by as CompiledRoute[])];
}

function coversConditions({ compiled: a }: PlannedRoute, { compiled: b }: PlannedRoute): boolean {
  if (!a.conditional) return true;
  const [first, second] = [a.route.conditions!, b.route.conditions];
  const sameSubDomain = JSON.stringify(first.subDomain) === JSON.stringify(second?.subDomain);
  return sameSubDomain && first.function === second?.function;
}

function coversPaths(earlier: PlannedRoute, later: PlannedRoute): boolean {
  const { compiled: one, steps } = earlier;
  const { compiled: other, steps: taken } = later;
  if (!steps.every((step, index) => taken[index] !== undefined && coversStep(step, taken[index]))) return false;
  if (earlier.isWhole) return later.isWhole && taken.length === steps.length;
  const tail = tailOf(one, steps.length);
  if (tail === 'anything') return taken.length > steps.length || continues(other, steps.length);
  if (tail === 'something') return taken.length > steps.length && !isEmpty(taken.at(-1)!);
  return !later.isWhole && samePattern(one, other);
}

/** Returns the kind of a route's rest after its independent segments, if that is one variable. */
function tailOf({ route }: CompiledRoute, steps: number): 'anything' | 'something' | null {
  if (route.minimize) return null;
  const last = route.parts.at(-1);
  const before = route.parts.slice(0, -1);
  if (last === undefined || typeof last === 'string' || last.type === '.' || last.name === 'controller') return null;
  const text = before.at(-1);
  if (typeof text !== 'string' || !text.endsWith('/') || countSegments(before) !== steps) return null;
  const pattern = Object.hasOwn(route.requirements, last.name) ? route.requirements[last.name] : undefined;
  if (pattern === '.*') return 'anything';
  return pattern === '.+' || (!pattern && last.type !== ':') ? 'something' : null;
}

function countSegments(parts: CompiledRoute['route']['parts']): number {
  return parts.reduce((count, part) => count + (typeof part === 'string' ? part.split('/').length - 1 : 0), 0) - 1;
}

/** Reports whether a path of the route has a segment after these. */
function continues({ route }: CompiledRoute, steps: number): boolean {
  return !route.minimize && route.template.startsWith('/') && countSegments(route.parts) >= steps;
}

function samePattern(a: CompiledRoute, b: CompiledRoute): boolean {
  return withoutNames(a.regex.source) === withoutNames(b.regex.source) && !/\\k</.test(a.regex.source);
}

function withoutNames(source: string): string {
  return source.replace(/\(\?<(?![=!])[^>]*>/g, '(');
}

/** Reports whether every segment that `later` matches is one that `earlier` matches. */
function coversStep(earlier: Step, later: Step): boolean {
  if (earlier.kind === 'literal') return later.kind === 'literal' && earlier.text === later.text;
  if (later.kind === 'literal') return takesText(earlier, later.text);
  if (earlier.key === later.key) return true;
  return earlier.kind === 'variable' && earlier.key === PLAIN && !isEmpty(later);
}

function takesText(step: Exclude<Step, { kind: 'literal' }>, text: string): boolean {
  if (step.kind === 'variable') return step.test(text, 0, text.length);
  return text.startsWith(step.head) && step.read(text, 0, text.length) !== null;
}

/** Reports whether a step may match an empty segment. */
function isEmpty(step: Step): boolean {
  return step.kind === 'literal' ? step.text === '' : takesText(step, '');
}

/** Reports whether both match a common segment; true if that is undecidable. The list may contain false positives. */
function stepsMeet(a: Step, b: Step): boolean {
  if (a.kind === 'literal') return b.kind === 'literal' ? a.text === b.text : takesText(b, a.text);
  return b.kind === 'literal' ? takesText(a, b.text) : true;
}
