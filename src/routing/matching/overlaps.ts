/**
 * Pairs of routes that share paths, so that their order decides which one answers.
 */
import type { CompiledRoute } from './compiled-route.js';
import type { PlannedRoute } from './route-table.js';
import { stepsMeet } from './shadow.js';

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

function meet({ plan: a }: PlannedRoute, { plan: b }: PlannedRoute): boolean {
  if (a.cuts !== null && b.cuts !== null && a.steps.length !== b.steps.length) return false;
  // A route whose rest spans segments needs at least one more than its certain ones.
  if (a.cuts !== null && a.steps.length <= b.steps.length && b.cuts === null) return false;
  if (b.cuts !== null && b.steps.length <= a.steps.length && a.cuts === null) return false;
  const common = Math.min(a.steps.length, b.steps.length);
  for (let index = 0; index < common; index++) if (!stepsMeet(a.steps[index]!, b.steps[index]!)) return false;
  return true;
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
