/**
 * The segments of a route's path, as far as they are independent: each is a text, or what its expression matches.
 *
 * A variable that may contain a slash, or whose expression depends on its surroundings, ends them; from there on the expression of the whole
 * path decides.
 */

import { MEMBER_ID } from '../route/route.js';
import { remembered, translateRegex } from '../template/python-regex.js';
import { fullPart, type PatternSource, PLAIN, type TemplatePart, variablePattern } from '../template/template.js';
import { hasManyWays, shortestParts } from './shortest-parts.js';

/** One segment. Segments with equal expressions match the same texts. */
export interface Segment {
  /** Its text, if it has no variable. */
  readonly text: string | undefined;
  /** Its expression without names of variables. */
  readonly pattern: string;
  /** The variable that it consists of; undefined for a text, and for text and variables: `v{major}`. */
  readonly variable: string | undefined;
  /** Texts at its start and its end, around its variables. */
  readonly head: string;
  readonly tail: string;
  /** True if a text in it has a dot. */
  readonly isDotted: boolean;
  /** The test of a part of a path. */
  readonly takes: SegmentTest;
}

/** Reports whether a segment, given by its position in a path, matches. */
export type SegmentTest = (path: string, start: number, end: number) => boolean;

/** Returns the independent segments of a path that begins with a slash, and whether these are all. */
export function segmentsOf(source: PatternSource): {
  readonly segments: readonly Segment[];
  readonly isWhole: boolean;
} {
  const all = splitSegments(source.parts);
  const isIndependent = (part: TemplatePart): boolean =>
    typeof part === 'string' || isLocal(variablePattern(part, source));
  const end = all.findIndex((parts) => !parts.every(isIndependent));
  const segments = all.slice(0, end < 0 ? undefined : end).map((parts) => segmentOf(parts, source));
  return { segments, isWhole: end < 0 };
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

function segmentOf(parts: readonly TemplatePart[], source: PatternSource): Segment {
  const [first] = parts;
  const text = parts.every((part) => typeof part === 'string') ? parts.join('') : undefined;
  if (text !== undefined) {
    const takes: SegmentTest = (path, start, end) => path.slice(start, end) === text;
    return { text, pattern: text, variable: undefined, head: '', tail: '', isDotted: false, takes };
  }
  if (parts.length === 1 && typeof first === 'object' && first.type !== '.') {
    const pattern = variablePattern(first, source);
    return { text, pattern, variable: first.name, head: '', tail: '', isDotted: false, takes: segmentTest(pattern) };
  }
  const pattern = parts.map((part) => fullPart(part, source)).join('');
  const takes: SegmentTest = hasManyWays(parts, source)
    ? (path, start, end) => shortestParts(parts, path, start, end) !== null
    : segmentTest(pattern);
  return {
    text,
    pattern: pattern.replace(/\(\?P<[^>]*>/g, '('),
    variable: undefined,
    head: textOf(first),
    tail: textOf(parts.at(-1)),
    isDotted: parts.some((part) => textOf(part).includes('.')),
    takes,
  };
}

/** Reports whether every text that `other` matches is one that a segment matches. */
export function covers(segment: Segment, other: Segment): boolean {
  const { text, pattern, takes } = segment;
  if (other.text !== undefined) return takes(other.text, 0, other.text.length);
  return text === undefined && (pattern === other.pattern || (pattern === PLAIN && !isEmpty(other)));
}

/** Reports whether a segment may be empty. */
export function isEmpty({ takes }: Segment): boolean {
  return takes('', 0, 0);
}

/** Returns the text of a part; none for a variable. */
export function textOf(part: TemplatePart | undefined): string {
  return typeof part === 'string' ? part : '';
}

/** Reports whether an expression matches at most one segment, independent of its surroundings. */
const isLocal = remembered((pattern) => {
  const { matchesSlash, contextual, names } = translateRegex(pattern);
  return pattern === MEMBER_ID || (!matchesSlash && !contextual && names.size === 0);
});

/** Returns the test of a whole segment for an expression. */
const segmentTest = remembered((pattern): SegmentTest => {
  if (pattern === PLAIN) return (_path, start, end) => end > start;
  if (pattern === MEMBER_ID) return (path, start, end) => end > start && path.charCodeAt(end - 1) !== BACKSLASH;
  const regex = new RegExp(`^(?:${translateRegex(pattern).source})$`, 'v');
  return (path, start, end) => regex.test(path.slice(start, end));
});

const BACKSLASH = 92;
