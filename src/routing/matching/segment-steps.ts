/**
 * Steps of a route's lookup by segment: the test of each segment of a path, and the values it captures.
 *
 * The steps go as far as segments are independent. A variable that may contain a slash, or whose expression depends on its surroundings,
 * ends them; from there on the expression of the whole path decides.
 */

import { MEMBER_ID } from '../route/route.js';
import { remembered, translateRegex } from '../template/python-regex.js';
import { fullPart, type PatternSource, PLAIN, type TemplatePart, variablePattern } from '../template/template.js';
import type { CompiledRoute } from './compiled-route.js';
import { hasManyWays, shortestParts } from './shortest-parts.js';

/** Test of one segment. Steps with the same key are equal. */
export type Step =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'variable'; readonly key: string; readonly test: SegmentTest }
  | {
      readonly kind: 'mixed';
      readonly key: string;
      /** Text at its start. */
      readonly head: string;
      /** Text at its end. */
      readonly tail: string;
      /** True if a text in it has a dot. */
      readonly dotted: boolean;
      readonly read: SegmentReader;
    };

/** Reports whether a segment, given by its position in a path, matches a variable. */
export type SegmentTest = (path: string, start: number, end: number) => boolean;

/** Returns the values of the variables of a segment that begins with the text; null if it does not match. */
export type SegmentReader = (path: string, start: number, end: number) => readonly (string | undefined)[] | null;

/** A route with its lookup steps. */
export interface PlannedRoute {
  readonly compiled: CompiledRoute;
  readonly steps: readonly Step[];
  /** The steps that capture values, with their location. */
  readonly values: readonly { readonly at: number; readonly step: Exclude<Step, { kind: 'literal' }> }[];
  /** False: the steps are incomplete; the expression of the whole path decides and captures the values. */
  readonly isWhole: boolean;
}

/** Returns the steps of a route; a template that does not begin with a slash has no independent segment. */
export function planRoute(compiled: CompiledRoute): PlannedRoute {
  const { source } = compiled;
  const [first] = source.parts;
  const isCertain = !source.minimize && typeof first === 'string' && first.startsWith('/');
  if (!isCertain || compiled.names.length !== compiled.route.variables.size) {
    return { compiled, steps: [], values: [], isWhole: false };
  }
  const segments = splitSegments(source.parts);
  const isIndependent = (part: TemplatePart): boolean =>
    typeof part === 'string' || isLocal(variablePattern(part, source));
  const certain = segments.findIndex((parts) => !parts.every(isIndependent));
  const steps = segments.slice(0, certain < 0 ? undefined : certain).map((parts) => stepOf(parts, source));
  const values = steps.flatMap((step, at) => (step.kind === 'literal' ? [] : [{ at, step }]));
  return { compiled, steps, values, isWhole: certain < 0 };
}

/** Returns the parts of each segment; a text part may contain several slashes. */
function splitSegments(parts: readonly TemplatePart[]): TemplatePart[][] {
  const segments: TemplatePart[][] = [];
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

function stepOf(parts: readonly TemplatePart[], source: PatternSource): Step {
  const [first = '', second] = parts;
  if (parts.every((part) => typeof part === 'string')) return { kind: 'literal', text: parts.join('') };
  if (second === undefined && typeof first !== 'string' && first.type !== '.') {
    const pattern = variablePattern(first, source);
    return { kind: 'variable', key: pattern, test: segmentTest(pattern) };
  }
  const pattern = parts.map((part) => fullPart(part, source)).join('');
  return {
    kind: 'mixed',
    key: pattern.replace(/\(\?P<[^>]*>/g, '('),
    head: typeof first === 'string' ? first : '',
    tail: textAtEnd(parts),
    dotted: parts.some((part) => typeof part === 'string' && part.includes('.')),
    read: segmentReader(parts, source),
  };
}

/** Returns the text that ends a path or segment of these parts; empty if a variable does. */
export function textAtEnd(parts: readonly TemplatePart[]): string {
  const last = parts.at(-1);
  return typeof last === 'string' ? last : '';
}

/**
 * Returns a reader of a segment with text and variables: `v{major}`, `{id}.{format}`, `{a}..{b}`. The shapes of a resource's formatted
 * routes are matched by searching for the text between the variables, in a third of the time of an expression (bench/micro/routing.mjs,
 * "formatted").
 */
function segmentReader(parts: readonly TemplatePart[], source: PatternSource): SegmentReader {
  const [head, ...rest] = typeof parts[0] === 'string' ? parts : ['', ...parts];
  const [left, separator, right, ...more] = rest;
  const skip = (head as string).length;
  const isDotted = rest.some((part) => typeof part !== 'string' && part.type === '.');
  if (!isDotted && typeof left === 'object') {
    const pattern = variablePattern(left, source);
    if (separator === undefined) {
      const test = segmentTest(pattern);
      return (path, start, end) => (test(path, start + skip, end) ? [path.slice(start + skip, end)] : null);
    }
    if (typeof separator === 'string' && typeof right === 'object' && more.length === 0) {
      const test = segmentTest(variablePattern(right, source));
      if (pattern === PLAIN) return shortestThenVariable(skip, separator, test);
      if (pattern === MEMBER_ID) return longestThenVariable(skip, separator, test);
    }
  }
  if (hasManyWays(parts, source)) return (path, start, end) => shortestParts(parts, path, start, end);
  const regex = wholeRegex(parts.map((part) => fullPart(part, source)).join(''));
  const names = parts.filter((part) => typeof part !== 'string').map(({ name }) => name);
  return (path, start, end) => {
    const found = regex.exec(path.slice(start, end));
    return found === null ? null : names.map((name) => found.groups![name]);
  };
}

/** `{id}.{format}`: the first variable is as short as possible. */
function shortestThenVariable(skip: number, separator: string, test: SegmentTest): SegmentReader {
  return (path, segment, end) => {
    const start = segment + skip;
    for (let at = path.indexOf(separator, start + 1); at >= 0 && at < end; at = path.indexOf(separator, at + 1)) {
      const next = at + separator.length;
      if (next <= end && test(path, next, end)) return [path.slice(start, at), path.slice(next, end)];
    }
    return null;
  };
}

/** `:(id).:(format)` of a resource: the id is as long as possible, and does not end in a backslash. */
function longestThenVariable(skip: number, separator: string, test: SegmentTest): SegmentReader {
  return (path, segment, end) => {
    const start = segment + skip;
    for (let at = path.lastIndexOf(separator, end - 1); at > start; at = path.lastIndexOf(separator, at - 1)) {
      const next = at + separator.length;
      if (next > end || path.charCodeAt(at - 1) === BACKSLASH) continue;
      if (test(path, next, end)) return [path.slice(start, at), path.slice(next, end)];
    }
    return null;
  };
}

const BACKSLASH = 92;

/** Reports whether an expression matches at most one segment, independent of its surroundings. */
const isLocal = remembered((pattern) => {
  const { matchesSlash, contextual, names } = translateRegex(pattern);
  return pattern === MEMBER_ID || (!matchesSlash && !contextual && names.length === 0);
});

/** Returns the test of a whole segment for an expression. */
const segmentTest = remembered((pattern): SegmentTest => {
  if (pattern === PLAIN) return (_path, start, end) => end > start;
  if (pattern === MEMBER_ID) return (path, start, end) => end > start && path.charCodeAt(end - 1) !== BACKSLASH;
  const regex = wholeRegex(pattern);
  const simple = /^(?:\[(?:\\.|[^\]\\])+\]|\\[dw])\+$/.test(pattern);
  return simple ? characterTest(regex) : (path, start, end) => regex.test(path.slice(start, end));
});

/** Returns a test for expressions like `[0-9a-f-]+`: a table of the ASCII characters; others are tested by the expression. */
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
