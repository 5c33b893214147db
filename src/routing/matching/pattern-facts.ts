/**
 * What a table knows of the expressions of its variables.
 */
import { MEMBER_ID } from '../mapper/resource-routes.js';
import { translateRegex } from '../template/python-regex.js';
import { PLAIN } from '../template/route-pattern.js';

/** Whether a segment, given by its place in a path, is what a variable takes. */
export type SegmentTest = (path: string, start: number, end: number) => boolean;

/** What was found out about expressions that many routes share; one for each table. */
export class PatternFacts {
  readonly #local = new Map<string, boolean>();
  readonly #tests = new Map<string, SegmentTest>();

  /** Whether an expression takes one segment or less, whatever stands around it. */
  isLocal(pattern: string): boolean {
    let local = this.#local.get(pattern);
    if (local === undefined) {
      const { matchesSlash, contextual, names } = translateRegex(pattern);
      local = pattern === MEMBER_ID || (!matchesSlash && !contextual && names.length === 0);
      this.#local.set(pattern, local);
    }
    return local;
  }

  /** Whether a whole segment is what an expression takes. */
  test(pattern: string): SegmentTest {
    let test = this.#tests.get(pattern);
    if (test === undefined) {
      test = segmentTest(pattern);
      this.#tests.set(pattern, test);
    }
    return test;
  }
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
