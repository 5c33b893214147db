/**
 * Warnings about a table when it is built: misleading routes, and routes that can never match.
 */
import { nearestOrAll } from '../../errors/index.js';
import { placeText, warnOfTable } from '../built-router.js';
import type { CompiledRoute } from '../matching/compiled-route.js';
import { MixedIndex, type MixedStep } from '../matching/route-table.js';
import type { PlannedRoute, Step } from '../matching/segment-steps.js';
import { warningsOf } from '../matching/template-warnings.js';
import { namedMethods } from '../route/conditions.js';
import type { Route } from '../route/route.js';
import { RouteError } from '../route/route-error.js';
import { PLAIN } from '../template/template.js';
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

// The routes of a table that are tried first, by what a later one must have in common with them to be covered: most pairs are never compared,
// so a check costs as much as the table has routes.

/** Kind of a route's rest after its independent segments: none, one variable that takes any rest, or any but an empty one. */
type Rest = 'none' | 'anything' | 'something' | 'expression';

/** Returns the kind of a route's rest. */
function restOf({ compiled: { route }, steps, isWhole }: PlannedRoute): Rest {
  if (isWhole) return 'none';
  if (route.minimize) return 'expression';
  const last = route.parts.at(-1);
  const before = route.parts.slice(0, -1);
  if (last === undefined || typeof last === 'string' || last.type === '.' || last.name === 'controller') {
    return 'expression';
  }
  const text = before.at(-1);
  if (typeof text !== 'string' || !text.endsWith('/') || countSegments(before) !== steps.length) return 'expression';
  const pattern = Object.hasOwn(route.requirements, last.name) ? route.requirements[last.name] : undefined;
  if (pattern === '.*') return 'anything';
  return pattern === '.+' || (!pattern && last.type !== ':') ? 'something' : 'expression';
}

/** Returns the number of segments of a path of these parts. */
function countSegments(parts: CompiledRoute['route']['parts']): number {
  return parts.reduce((count, part) => count + (typeof part === 'string' ? part.split('/').length - 1 : 0), 0) - 1;
}

/** Routes that were tried before; they are added in order of rank. */
class EarlierRoutes {
  readonly #root = new Place();
  readonly #functions = new Map<unknown, number>();

  add(route: PlannedRoute): void {
    let place = this.#root;
    for (const step of route.steps) place = place.next(step);
    const { compiled } = route;
    const conditions = compiled.conditional ? this.#conditionsOf(compiled) : ANY;
    const rest = restOf(route);
    place.add(`${conditions} ${rest === 'expression' ? patternOf(compiled) : rest}`, route);
  }

  /**
   * Returns the routes that may cover one: those that begin with a text first, then in the order in which they are tried. Of several with the
   * same methods, conditions and paths only the first.
   */
  along(route: PlannedRoute): PlannedRoute[] {
    const { compiled, steps, isWhole } = route;
    const rests = ['none', 'anything', 'something', ...(isWhole ? [] : [patternOf(compiled)])];
    const kinds = [ANY, this.#conditionsOf(compiled)].flatMap((conditions) =>
      rests.map((rest) => `${conditions} ${rest}`),
    );
    const found: PlannedRoute[] = [];
    this.#root.collect(steps, 0, kinds, found);
    const place = (other: PlannedRoute): number => (other.steps[0]?.kind === 'literal' ? 0 : 1);
    return found.sort((a, b) => place(a) - place(b) || a.compiled.rank - b.compiled.rank);
  }

  /** Returns a text that routes with the same conditions share, besides their methods. */
  #conditionsOf({ route: { conditions } }: CompiledRoute): string {
    const wanted = conditions?.function;
    const number = this.#functions.get(wanted) ?? this.#functions.size;
    this.#functions.set(wanted, number);
    return `${number} ${JSON.stringify(conditions?.subDomain)}`;
  }
}

/** Of a route without conditions but its methods. */
const ANY = 'any';

/** Returns the expression of a route without names; one that refers to a name is equal to no other. */
function patternOf({ regex: { source }, rank }: CompiledRoute): string {
  return source.includes('\\k<') ? `${rank}` : `^${source.replace(/\(\?<(?![=!])[^>]*>/g, '(')}`;
}

/** Routes with the same independent segments, and the continuations of these. */
class Place {
  /** By conditions and rest, then by methods. */
  readonly #routes = new Map<string, Map<string, PlannedRoute>>();
  readonly #texts = new Map<string, Place>();
  readonly #mixed = new MixedIndex<{ readonly step: MixedStep; readonly place: Place }>();
  readonly #variables = new Map<string, { readonly step: Step; readonly place: Place }>();

  add(kind: string, route: PlannedRoute): void {
    const byMethods = this.#routes.get(kind) ?? new Map<string, PlannedRoute>();
    this.#routes.set(kind, byMethods);
    const methods = JSON.stringify(route.compiled.route.conditions?.method ?? null);
    if (!byMethods.has(methods)) byMethods.set(methods, route);
  }

  next(step: Step): Place {
    const known = this.#known(step);
    if (known !== undefined) return known;
    const place = new Place();
    if (step.kind === 'literal') this.#texts.set(step.text, place);
    else if (step.kind === 'variable') this.#variables.set(step.key, { step, place });
    else this.#mixed.add({ step, place });
    return place;
  }

  #known(step: Step): Place | undefined {
    if (step.kind === 'literal') return this.#texts.get(step.text);
    return step.kind === 'variable' ? this.#variables.get(step.key)?.place : this.#mixed.get(step)?.place;
  }

  /** Adds the routes of these kinds whose steps cover the steps from `at` on. */
  collect(steps: readonly Step[], at: number, kinds: readonly string[], found: PlannedRoute[]): void {
    for (const kind of kinds) {
      const routes = this.#routes.get(kind);
      if (routes !== undefined) found.push(...routes.values());
    }
    const step = steps[at];
    if (step === undefined) return;
    if (step.kind === 'literal') {
      this.#texts.get(step.text)?.collect(steps, at + 1, kinds, found);
      for (const { step: mixed, place } of this.#mixed.along(step.text, 0, step.text.length)) {
        if (coversStep(mixed, step)) place.collect(steps, at + 1, kinds, found);
      }
    } else if (step.kind === 'mixed') this.#mixed.get(step)?.place.collect(steps, at + 1, kinds, found);
    for (const { step: variable, place } of this.#variables.values()) {
      if (coversStep(variable, step)) place.collect(steps, at + 1, kinds, found);
    }
  }
}

// Names of routes that an action gives to `request.url`, as far as its source shows them: misspelt ones are found before a request.

/** The first parameter of an arrow function, or of a function or method. */
const PARAMETER = /^(?:async\s+)?([A-Za-z_$][\w$]*)\s*=>|^[^({]*\(\s*([A-Za-z_$][\w$]*)\s*[,)=]/;

/** A comment, or a call with a text. */
const CALL = /\/\/.*|\/\*[\s\S]*?\*\/|(?<![\w$.])([A-Za-z_$][\w$]*)\.url\(\s*(['"`])([^'"`$/\\][^'"`$\\]*)\2/g;

/** Returns the names in texts; none for a function whose request has no name. */
function urlNamesIn(handler: object): readonly string[] {
  const source = Function.prototype.toString.call(handler);
  if (!source.includes('.url(')) return [];
  const [, alone, first = alone] = PARAMETER.exec(source) ?? [];
  if (first === undefined) return [];
  const calls = source.matchAll(CALL);
  return [...calls].filter(([, object]) => object === first).map(([, , , name]) => name!);
}

// Comparison of steps of two routes by the segments that they match.

/** Reports whether every segment that `later` matches is one that `earlier` matches. */
function coversStep(earlier: Step, later: Step): boolean {
  if (earlier.kind === 'literal') return later.kind === 'literal' && earlier.text === later.text;
  if (later.kind === 'literal') return takesText(earlier, later.text);
  if (earlier.key === later.key) return true;
  return earlier.kind === 'variable' && earlier.key === PLAIN && !isEmpty(later);
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

function takesText(step: Exclude<Step, { kind: 'literal' }>, text: string): boolean {
  if (step.kind === 'variable') return step.test(text, 0, text.length);
  return text.startsWith(step.head) && step.read(text, 0, text.length) !== null;
}
