/**
 * Segments of text and variables: `v{major}`, `{id}.{format}`, `{a}..{b}`.
 *
 * Two shapes, which the formatted routes of resources have, are decided by looking for the text between the variables.
 * That takes a third of the time an expression takes (bench/micro/routing.mjs, "formatted"). All others are expressions.
 */

import { MEMBER_ID } from '../mapper/resource-routes.js';
import { translateRegex } from '../template/python-regex.js';
import { fullPart, type PatternSource, PLAIN, variablePattern } from '../template/route-pattern.js';
import type { Part } from '../template/template.js';
import type { PatternFacts, SegmentTest } from './pattern-facts.js';
import { hasManyWays, ShortestParts } from './shortest-parts.js';

/** Decides a segment, given by its place in a path. */
export interface MixedSegment {
  test(path: string, start: number, end: number): boolean;
  /** Appends the values of the variables; the segment has passed the test. */
  capture(path: string, start: number, end: number, values: (string | undefined)[]): void;
}

/** What decides a segment with these parts. The text it begins with has been compared already. */
export function mixedSegment(parts: readonly Part[], source: PatternSource, facts: PatternFacts): MixedSegment {
  const [head, ...rest] = typeof parts[0] === 'string' ? parts : ['', ...parts];
  const [left, separator, right, ...more] = rest;
  const skip = (head as string).length;
  const isDotted = rest.some((part) => typeof part !== 'string' && part.type === '.');
  if (!isDotted && typeof left === 'object') {
    const pattern = variablePattern(left, source);
    if (separator === undefined) return new TextThenVariable(skip, facts.test(pattern));
    if (typeof separator === 'string' && typeof right === 'object' && more.length === 0) {
      const test = facts.test(variablePattern(right, source));
      if (pattern === PLAIN) return new ShortestThenVariable(skip, separator, test);
      if (pattern === MEMBER_ID) return new LongestThenVariable(skip, separator, test);
    }
  }
  return hasManyWays(parts, source) ? new PartedSegment(parts) : new SegmentExpression(parts, source);
}

/** `images.{format}` */
class TextThenVariable implements MixedSegment {
  readonly #skip: number;
  readonly #test: SegmentTest;

  constructor(skip: number, test: SegmentTest) {
    this.#skip = skip;
    this.#test = test;
  }

  test(path: string, start: number, end: number): boolean {
    return this.#test(path, start + this.#skip, end);
  }

  capture(path: string, start: number, end: number, values: (string | undefined)[]): void {
    values.push(path.slice(start + this.#skip, end));
  }
}

/** Two variables with text between them: where the first one ends. */
abstract class TwoVariables implements MixedSegment {
  readonly #skip: number;
  protected readonly separator: string;
  protected readonly right: SegmentTest;

  constructor(skip: number, separator: string, right: SegmentTest) {
    this.#skip = skip;
    this.separator = separator;
    this.right = right;
  }

  test(path: string, start: number, end: number): boolean {
    return this.split(path, start + this.#skip, end) >= 0;
  }

  capture(path: string, start: number, end: number, values: (string | undefined)[]): void {
    const split = this.split(path, start + this.#skip, end);
    values.push(path.slice(start + this.#skip, split), path.slice(split + this.separator.length, end));
  }

  /** The place of the separator; -1 when there is none that leaves both sides what they take. */
  protected abstract split(path: string, start: number, end: number): number;
}

/** `{id}.{format}`: the first variable is as short as possible. */
class ShortestThenVariable extends TwoVariables {
  protected split(path: string, start: number, end: number): number {
    const { separator, right } = this;
    for (let at = path.indexOf(separator, start + 1); at >= 0 && at < end; at = path.indexOf(separator, at + 1)) {
      if (at + separator.length <= end && right(path, at + separator.length, end)) return at;
    }
    return -1;
  }
}

const BACKSLASH = 92;

/** `:(id).:(format)` of a resource: the id is as long as possible, and does not end in a backslash. */
class LongestThenVariable extends TwoVariables {
  protected split(path: string, start: number, end: number): number {
    const { separator, right } = this;
    for (let at = path.lastIndexOf(separator, end - 1); at > start; at = path.lastIndexOf(separator, at - 1)) {
      const fits = at + separator.length <= end && path.charCodeAt(at - 1) !== BACKSLASH;
      if (fits && right(path, at + separator.length, end)) return at;
    }
    return -1;
  }
}

/** Several variables without requirements. */
class PartedSegment implements MixedSegment {
  readonly #parts: ShortestParts;

  constructor(parts: readonly Part[]) {
    this.#parts = new ShortestParts(parts);
  }

  test(path: string, start: number, end: number): boolean {
    return this.#parts.values(path, start, end) !== null;
  }

  capture(path: string, start: number, end: number, values: (string | undefined)[]): void {
    values.push(...this.#parts.values(path, start, end)!);
  }
}

/** Anything else: the expression of the segment. */
class SegmentExpression implements MixedSegment {
  readonly #regex: RegExp;
  readonly #names: readonly string[];

  constructor(parts: readonly Part[], source: PatternSource) {
    const pattern = parts.map((part) => fullPart(part, source)).join('');
    this.#regex = new RegExp(`^(?:${translateRegex(pattern).source})$`, 'v');
    this.#names = parts.filter((part) => typeof part !== 'string').map(({ name }) => name);
  }

  test(path: string, start: number, end: number): boolean {
    return this.#regex.test(path.slice(start, end));
  }

  capture(path: string, start: number, end: number, values: (string | undefined)[]): void {
    const { groups } = this.#regex.exec(path.slice(start, end))!;
    for (const name of this.#names) values.push(groups![name]);
  }
}
