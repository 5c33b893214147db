/**
 * How a route is looked up segment by segment: what each segment of a path must be, and where values are cut out.
 *
 * A plan goes as far as segments alone are certain. A variable that may take a slash, or whose expression looks at
 * its surroundings, ends it; from there on the expression of the whole path decides.
 */

import { fullPart, type PatternSource, variablePattern } from '../template/route-pattern.js';
import type { Part } from '../template/template.js';
import type { CompiledRoute } from './compiled-route.js';
import { type MixedSegment, mixedSegment } from './mixed-segment.js';
import type { PatternFacts, SegmentTest } from './pattern-facts.js';

/** What one segment must be. Steps with the same key are the same. */
export type Step =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'variable'; readonly key: string; readonly test: SegmentTest }
  | {
      readonly kind: 'mixed';
      readonly key: string;
      /** The text it begins with. */
      readonly head: string;
      /** Some text in it has a dot. */
      readonly dotted: boolean;
      readonly mixed: MixedSegment;
    };

/** Where values are: a whole segment, or what a segment with text gives. */
export interface SegmentCut {
  readonly segment: number;
  readonly mixed: MixedSegment | null;
}

/** The plan of a route. */
export interface SegmentPlan {
  readonly steps: readonly Step[];
  /** Null: the steps are not all, the expression of the whole path decides and gives the values. */
  readonly cuts: readonly SegmentCut[] | null;
}

/** The plan for a route; a template that does not begin with a slash has no certain segment. */
export function planSegments(
  compiled: CompiledRoute,
  controllers: readonly string[],
  facts: PatternFacts,
): SegmentPlan {
  const source = compiled.route.patternSource(controllers);
  const first = source.parts[0];
  if (source.minimize || typeof first !== 'string' || !first.startsWith('/')) return { steps: [], cuts: null };
  if (compiled.names.length !== compiled.route.variables.size) return { steps: [], cuts: null };
  const segments = splitSegments(source.parts);
  const isLocal = (part: Part): boolean => typeof part === 'string' || facts.isLocal(variablePattern(part, source));
  const certain = segments.findIndex((parts) => !parts.every(isLocal));
  const steps = segments.slice(0, certain < 0 ? undefined : certain).map((parts) => stepOf(parts, source, facts));
  return { steps, cuts: certain < 0 ? cutsOf(steps) : null };
}

/** The parts of each segment; a text part may hold several slashes. */
function splitSegments(parts: readonly Part[]): Part[][] {
  const segments: Part[][] = [];
  for (const part of parts) {
    if (typeof part !== 'string') {
      segments.at(-1)!.push(part);
      continue;
    }
    const [head = '', ...rest] = part.split('/');
    if (head !== '') segments.at(-1)!.push(head);
    for (const text of rest) segments.push(text === '' ? [] : [text]);
  }
  return segments;
}

function stepOf(parts: readonly Part[], source: PatternSource, facts: PatternFacts): Step {
  const [first = '', second] = parts;
  if (parts.every((part) => typeof part === 'string')) return { kind: 'literal', text: parts.join('') };
  if (second === undefined && typeof first !== 'string' && first.type !== '.') {
    const pattern = variablePattern(first, source);
    return { kind: 'variable', key: pattern, test: facts.test(pattern) };
  }
  const pattern = parts.map((part) => fullPart(part, source)).join('');
  return {
    kind: 'mixed',
    key: pattern.replace(/\(\?P<[^>]*>/g, '('),
    head: typeof first === 'string' ? first : '',
    dotted: parts.some((part) => typeof part === 'string' && part.includes('.')),
    mixed: mixedSegment(parts, source, facts),
  };
}

/** Where the values of a path are, segment by segment. */
function cutsOf(steps: readonly Step[]): SegmentCut[] {
  const cuts: SegmentCut[] = [];
  for (const [segment, step] of steps.entries()) {
    if (step.kind === 'literal') continue;
    cuts.push({ segment, mixed: step.kind === 'mixed' ? step.mixed : null });
  }
  return cuts;
}
