/**
 * How a route is looked up segment by segment: what each segment of a path must be, and where values are cut out.
 *
 * A plan goes as far as segments alone are certain. A variable that may take a slash, or whose expression looks at
 * its surroundings, ends it; from there on the expression of the whole path decides.
 */
import type { CompiledRoute } from './compiled-route.js';
import { translateRegex } from './python-regex.js';
import { MEMBER_ID } from './resource-routes.js';
import { fullPart, type PatternSource, PLAIN, variablePattern } from './route-pattern.js';
import type { Part, Variable } from './template.js';

/** What one segment must be. Steps with the same key are the same. */
export type Step =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'variable'; readonly key: string; readonly test: SegmentTest }
  | { readonly kind: 'mixed'; readonly key: string; readonly head: string; readonly regex: RegExp };

/** Whether a segment, given by its place in a path, is what a variable takes. */
export type SegmentTest = (path: string, start: number, end: number) => boolean;

/** Where a value is: a whole segment, or a group of the expression of a segment. */
export interface ValueCut {
  readonly segment: number;
  readonly regex: RegExp | null;
  readonly group: number;
}

/** The plan of a route. */
export interface SegmentPlan {
  readonly steps: readonly Step[];
  /** Null: the steps are not all, the expression of the whole path decides and gives the values. */
  readonly cuts: readonly ValueCut[] | null;
}

/** The plan for a route; a template that does not begin with a slash has no certain segment. */
export function planSegments(compiled: CompiledRoute, controllers: readonly string[]): SegmentPlan {
  const source = compiled.route.patternSource(controllers);
  const first = source.parts[0];
  if (source.minimize || typeof first !== 'string' || !first.startsWith('/')) return { steps: [], cuts: null };
  if (compiled.names.length !== compiled.route.variables.size) return { steps: [], cuts: null };
  const segments = splitSegments(source.parts);
  const certain = segments.findIndex((parts) => parts.some((part) => !isLocal(part, source)));
  const steps = segments.slice(0, certain < 0 ? undefined : certain).map((parts) => stepOf(parts, source));
  return { steps, cuts: certain < 0 ? cutsOf(segments, steps) : null };
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

/** Whether a part takes one segment or less, whatever stands around it. */
function isLocal(part: Part, source: PatternSource): boolean {
  if (typeof part === 'string') return true;
  const pattern = variablePattern(part, source);
  if (pattern === MEMBER_ID) return true;
  const { matchesSlash, contextual, names } = translateRegex(pattern);
  return !matchesSlash && !contextual && names.length === 0;
}

function stepOf(parts: readonly Part[], source: PatternSource): Step {
  const [first = '', second] = parts;
  if (parts.every((part) => typeof part === 'string')) return { kind: 'literal', text: parts.join('') };
  if (second === undefined && typeof first !== 'string' && first.type !== '.') return variableStep(first, source);
  const pattern = parts.map((part) => fullPart(part, source)).join('');
  const head = typeof first === 'string' ? first : '';
  return { kind: 'mixed', key: pattern.replace(/\(\?P<[^>]*>/g, '('), head, regex: wholeRegex(pattern) };
}

function variableStep(variable: Variable, source: PatternSource): Step {
  const pattern = variablePattern(variable, source);
  return { kind: 'variable', key: pattern, test: segmentTest(pattern) };
}

function segmentTest(pattern: string): SegmentTest {
  if (pattern === PLAIN) return (_path, start, end) => end > start;
  if (pattern === MEMBER_ID) return (path, start, end) => end > start && path.charCodeAt(end - 1) !== BACKSLASH;
  const regex = wholeRegex(pattern);
  const simple = /^(?:\[(?:\\.|[^\]\\])+\]|\\[dw])\+$/.test(pattern);
  return simple ? characterTest(regex) : (path, start, end) => regex.test(path.slice(start, end));
}

const BACKSLASH = 92;

/** For expressions like `[0-9a-f-]+`: a table of the ASCII characters; others are left to the expression. */
function characterTest(regex: RegExp): SegmentTest {
  const members = Uint8Array.from({ length: 128 }, (_, code) => (regex.test(String.fromCharCode(code)) ? 1 : 0));
  return (path, start, end) => {
    for (let index = start; index < end; index++) {
      const code = path.charCodeAt(index);
      if (code > 127) return regex.test(path.slice(start, end));
      if (members[code] === 0) return false;
    }
    return end > start;
  };
}

function wholeRegex(pattern: string): RegExp {
  return new RegExp(`^(?:${translateRegex(pattern).source})$`, 'v');
}

/** The place of each variable's value, in the order of the path. */
function cutsOf(segments: readonly (readonly Part[])[], steps: readonly Step[]): ValueCut[] {
  const cuts: ValueCut[] = [];
  for (const [segment, parts] of segments.entries()) {
    const step = steps[segment]!;
    const regex = step.kind === 'mixed' ? step.regex : null;
    for (const part of parts) if (typeof part !== 'string') cuts.push({ segment, regex, group: groupOf(part, regex) });
  }
  return cuts;
}

/** Groups are named; their numbers are found once, since a requirement may have groups of its own. */
function groupOf(variable: Variable, regex: RegExp | null): number {
  if (regex === null) return 0;
  let number = 0;
  for (const [text] of regex.source.matchAll(/\\.|\[\^?(?:\\.|[^\]\\])*\]|\((?!\?)|\(\?<(?![=!])[^>]*>/gu)) {
    if (!text.startsWith('(')) continue;
    number++;
    if (text === `(?<${variable.name}>`) return number;
  }
  throw new Error(`no group is called "${variable.name}"`);
}
