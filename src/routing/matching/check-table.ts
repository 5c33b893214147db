/**
 * What is said about a table when it is built: oddities, and routes that can never win.
 */

import { MEMBER_ID } from '../mapper/resource-routes.js';
import { RouteError } from '../mapper/route-error.js';
import type { RouterParts } from '../serving/build-table.js';
import { PLAIN } from '../template/route-pattern.js';
import { warningsOf } from '../template/template-warnings.js';
import type { CompiledRoute } from './compiled-route.js';
import type { PlannedRoute } from './route-table.js';
import type { Step } from './segment-plan.js';

/** Warns, or refuses, as the router's options say. */
export function checkTable({ table, mapper, log, options, refuse }: RouterParts): void {
  for (const { route } of table.routes) {
    for (const { code, message, hint } of warningsOf(route)) {
      log.warn(`the route ${route.template}: ${message}`, { code, hint, at: shownOrigin(mapper.originOf(route)) });
    }
  }
  const { onShadow = 'warn' } = options;
  if (onShadow === 'ignore') return;
  for (const { compiled, by } of findShadowed(table.planned)) {
    const origin = mapper.originOf(compiled.route);
    const others = by.map(({ route }) => `${route.template} (${shownOrigin(mapper.originOf(route))})`).join(', ');
    const message = `the route ${compiled.route.template} can never win: ${others} takes all it takes, and is tried first`;
    if (onShadow === 'warn') log.warn(message, { code: CODE, at: shownOrigin(origin) });
    else refuse(new RouteError(CODE, { message, origin, hint: 'Remove it, or define it earlier.' }));
  }
}

const CODE = 'PORTICO_ROUTE_SHADOWED';

function shownOrigin(origin: { readonly file: string; readonly line: number } | undefined): string {
  return origin === undefined ? 'an unknown place' : `${origin.file}:${origin.line}`;
}

/** Two routes that take some path both. */
export interface Overlap {
  /** Tried first. */
  readonly earlier: CompiledRoute;
  readonly later: CompiledRoute;
  /** Only the order of definition decides, not a longer prefix. */
  readonly byDefinition: boolean;
  /** In how many segments the earlier route is the less definite one: `/{a}/{b}` before `/{a}/detail` has one. */
  readonly surprises: number;
}

/** Overlaps of routes with a method in common, the most confusing first; `planned` in the order they are tried. */
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

function meet(one: PlannedRoute, other: PlannedRoute): boolean {
  const [a, b] = [one.plan, other.plan];
  if (!textsMeet(one.compiled, other.compiled)) return false;
  if (a.cuts !== null && b.cuts !== null && a.steps.length !== b.steps.length) return false;
  // A route whose rest spans segments needs at least one more than its certain ones.
  if (a.cuts !== null && a.steps.length <= b.steps.length && b.cuts === null) return false;
  if (b.cuts !== null && b.steps.length <= a.steps.length && a.cuts === null) return false;
  const common = Math.min(a.steps.length, b.steps.length);
  for (let index = 0; index < common; index++) if (!stepsMeet(a.steps[index]!, b.steps[index]!)) return false;
  return true;
}

/** Whether one path can have the fixed text of both: all of it where there is no variable, else what it begins with. */
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
  const [first, second] = [a.conditions?.method, b.conditions?.method];
  if (first === undefined || second === undefined) return true;
  const words = typeof first === 'string' ? first.split(/[^A-Za-z-]+/) : first;
  return words.some((method) => second.includes(method));
}

function countSurprises({ plan: a }: PlannedRoute, { plan: b }: PlannedRoute): number {
  let count = 0;
  for (const [index, step] of a.steps.entries()) {
    if (step.kind !== 'literal' && b.steps[index]?.kind === 'literal') count++;
  }
  return a.cuts === null && b.cuts !== null ? count + 1 : count;
}

/** A route that can never win, and the earlier ones that take what it takes. */
export interface Shadowed {
  readonly compiled: CompiledRoute;
  readonly by: readonly CompiledRoute[];
}

/** All routes that can never win; `planned` in the order they are tried. */
export function findShadowed(planned: readonly PlannedRoute[]): Shadowed[] {
  const shadowed: Shadowed[] = [];
  const earlier = new EarlierRoutes();
  for (const route of planned) {
    const by = shadowing(earlier.candidates(route), route);
    if (by.length > 0) shadowed.push({ compiled: route.compiled, by });
    earlier.add(route);
  }
  return shadowed;
}

/** Routes by the text of their first segment, so that most pairs are never compared. */
class EarlierRoutes {
  readonly #byText = new Map<string, PlannedRoute[]>();
  readonly #others: PlannedRoute[] = [];

  add(route: PlannedRoute): void {
    const [first] = route.plan.steps;
    if (first?.kind !== 'literal') {
      this.#others.push(route);
      return;
    }
    const list = this.#byText.get(first.text);
    if (list === undefined) this.#byText.set(first.text, [route]);
    else list.push(route);
  }

  candidates({ plan }: PlannedRoute): PlannedRoute[] {
    const [first] = plan.steps;
    if (first?.kind !== 'literal') return this.#others;
    return [...(this.#byText.get(first.text) ?? []), ...this.#others];
  }
}

/** Which of the candidates cover the route for every method it takes; empty when a method is left over. */
function shadowing(candidates: readonly PlannedRoute[], later: PlannedRoute): CompiledRoute[] {
  const covering = candidates.filter((earlier) => coversConditions(earlier, later) && coversPaths(earlier, later));
  if (covering.length === 0) return [];
  const any = covering.find(({ compiled }) => methodsOf(compiled) === null);
  if (any !== undefined) return [any.compiled];
  const methods = methodsOf(later.compiled);
  if (methods === null) return [];
  const by = new Set<CompiledRoute>();
  for (const method of methods) {
    const one = covering.find(({ compiled }) => methodsOf(compiled)?.includes(method));
    if (one === undefined) return [];
    by.add(one.compiled);
  }
  return [...by];
}

/** The methods a route takes; null for all. A text takes the methods that are words in it, and oddities beside. */
function methodsOf({ route }: CompiledRoute): readonly string[] | null {
  const method = route.conditions?.method;
  if (method === undefined) return null;
  return typeof method === 'string' ? method.split(/[^A-Za-z-]+/) : method;
}

function coversConditions({ compiled: a }: PlannedRoute, { compiled: b }: PlannedRoute): boolean {
  if (!a.conditional) return true;
  const [first, second] = [a.route.conditions!, b.route.conditions];
  const sameSubDomain = JSON.stringify(first.subDomain) === JSON.stringify(second?.subDomain);
  return sameSubDomain && first.function === second?.function;
}

function coversPaths(
  { compiled, plan: earlier }: PlannedRoute,
  { compiled: other, plan: later }: PlannedRoute,
): boolean {
  if (!earlier.steps.every((step, index) => later.steps[index] !== undefined && coversStep(step, later.steps[index]))) {
    return false;
  }
  if (earlier.cuts !== null) return later.cuts !== null && later.steps.length === earlier.steps.length;
  const tail = tailOf(compiled, earlier.steps.length);
  if (tail === 'anything') return later.steps.length > earlier.steps.length || continues(other, earlier.steps.length);
  if (tail === 'something') return later.steps.length > earlier.steps.length && !isEmpty(later.steps.at(-1)!);
  return later.cuts === null && samePattern(compiled, other);
}

/** What a route takes after its certain segments, where that is one variable for all the rest. */
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

/** Whether a path of the route has a segment after these. */
function continues({ route }: CompiledRoute, steps: number): boolean {
  return !route.minimize && route.template.startsWith('/') && countSegments(route.parts) >= steps;
}

function samePattern(a: CompiledRoute, b: CompiledRoute): boolean {
  return withoutNames(a.regex.source) === withoutNames(b.regex.source) && !/\\k</.test(a.regex.source);
}

function withoutNames(source: string): string {
  return source.replace(/\(\?<(?![=!])[^>]*>/g, '(');
}

/** Whether every segment that `later` takes is one that `earlier` takes. */
function coversStep(earlier: Step, later: Step): boolean {
  if (earlier.kind === 'literal') return later.kind === 'literal' && earlier.text === later.text;
  if (later.kind === 'literal') return takesText(earlier, later.text);
  if (earlier.key === later.key) return true;
  return earlier.kind === 'variable' && earlier.key === PLAIN && !isEmpty(later);
}

function takesText(step: Exclude<Step, { kind: 'literal' }>, text: string): boolean {
  if (step.kind === 'variable') return step.test(text, 0, text.length);
  return text.startsWith(step.head) && step.mixed.test(text, 0, text.length);
}

/** Whether a step may take an empty segment. */
function isEmpty(step: Step): boolean {
  if (step.kind === 'literal') return step.text === '';
  if (step.kind === 'variable') return step.key !== MEMBER_ID && step.test('', 0, 0);
  return step.head === '' && step.mixed.test('', 0, 0);
}

/** Whether some segment is taken by both; true where that cannot be decided. For lists that may be too long. */
function stepsMeet(a: Step, b: Step): boolean {
  if (a.kind === 'literal') return b.kind === 'literal' ? a.text === b.text : takesText(b, a.text);
  return b.kind === 'literal' ? takesText(a, b.text) : true;
}
