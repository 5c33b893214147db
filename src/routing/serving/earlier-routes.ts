/**
 * The routes of a table that are tried first, by what a later one must have in common with them to be covered: most pairs are never compared,
 * so a check costs as much as the table has routes.
 */
import type { CompiledRoute } from '../matching/compiled-route.js';
import { MixedIndex, type MixedStep } from '../matching/mixed-index.js';
import type { PlannedRoute, Step } from '../matching/segment-steps.js';
import { coversStep } from './covered-steps.js';

/** Kind of a route's rest after its independent segments: none, one variable that takes any rest, or any but an empty one. */
export type Rest = 'none' | 'anything' | 'something' | 'expression';

/** Returns the kind of a route's rest. */
export function restOf({ compiled: { route }, steps, isWhole }: PlannedRoute): Rest {
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
export function countSegments(parts: CompiledRoute['route']['parts']): number {
  return parts.reduce((count, part) => count + (typeof part === 'string' ? part.split('/').length - 1 : 0), 0) - 1;
}

/** Routes that were tried before; they are added in order of rank. */
export class EarlierRoutes {
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
