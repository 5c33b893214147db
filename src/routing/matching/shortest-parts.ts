/**
 * Matches templates whose variables have no requirements, in time proportional to the length of the path.
 *
 * An expression such as `([^/]+?)-([^/]+?)-([^/]+?)x` tries all ways to split a path of hyphens, which for a client's 8 KB are billions.
 * Here each position of the path is visited once for each part.
 */
import { type PatternSource, requirementOf, type TemplatePart } from '../template/template.js';

/**
 * Splits a path, or a segment of one, as the expression of the parts does: each variable as short as the parts after it allow. Returns the
 * values of the variables in order, undefined for an absent suffix; null if the parts do not match.
 */
export function shortestParts(
  parts: readonly TemplatePart[],
  path: string,
  start: number,
  end: number,
  mayEndLine = false,
): (string | undefined)[] | null {
  const fits = partsFit(parts, path, start, end, mayEndLine);
  if (fits[0]![0] === 0) return null;
  const values: (string | undefined)[] = [];
  let at = start;
  for (const [index, part] of parts.entries()) {
    const rest = fits[index + 1]!;
    if (typeof part === 'string') at += part.length;
    else if (part.type === '.' && rest[at - start] === 1) values.push(undefined);
    else {
      const from = part.type === '.' ? at + 1 : at;
      at = after(path, from);
      while (rest[at - start] === 0) at = after(path, at);
      values.push(path.slice(from, at));
    }
  }
  return values;
}

/** Returns for each part, and the end after them, the positions of the path at which it and all later parts match. */
function partsFit(
  parts: readonly TemplatePart[],
  path: string,
  start: number,
  end: number,
  mayEndLine: boolean,
): Uint8Array[] {
  const size = end - start + 1;
  let rest = new Uint8Array(size);
  rest[size - 1] = 1;
  // As Python's `$` does.
  if (mayEndLine && size > 1 && path.charCodeAt(end - 1) === NEWLINE) rest[size - 2] = 1;
  const fits = [rest];
  for (const part of parts.toReversed()) {
    rest = typeof part === 'string' ? textFits(part, rest, path, start) : variableFits(part.type, rest, path, start);
    fits.unshift(rest);
  }
  return fits;
}

/** Reports whether the expression of these parts may backtrack, and consists only of known elements. */
export function hasManyWays(parts: readonly TemplatePart[], { requirements, minimize }: PatternSource): boolean {
  const variables = parts.filter((part) => typeof part !== 'string');
  if (minimize || variables.length < 2 || new Set(variables.map(({ name }) => name)).size < variables.length)
    return false;
  if (variables.some(({ type, name }) => type === '{' || name === 'controller' || requirementOf(requirements, name)))
    return false;
  if (variables.some(({ type }) => type === '*')) return true;
  let inSegment = 0;
  return parts.some((part) => {
    inSegment = typeof part === 'string' && part.includes('/') ? 0 : inSegment + (typeof part === 'string' ? 0 : 1);
    return inSegment > 1;
  });
}

const NEWLINE = 10;
const SLASH = 47;
const DOT = 46;

function textFits(text: string, rest: Uint8Array, path: string, start: number): Uint8Array<ArrayBuffer> {
  const fits = new Uint8Array(rest.length);
  for (
    let at = path.indexOf(text, start);
    at >= 0 && at - start + text.length < rest.length;
    at = path.indexOf(text, at + 1)
  ) {
    fits[at - start] = rest[at - start + text.length]!;
  }
  return fits;
}

function variableFits(type: string, rest: Uint8Array, path: string, start: number): Uint8Array<ArrayBuffer> {
  const fits = new Uint8Array(rest.length);
  for (let index = rest.length - 2; index >= 0; index--) {
    if (!takes(type, path.charCodeAt(start + index))) continue;
    const next = after(path, start + index) - start;
    fits[index] = next < rest.length ? rest[next]! | fits[next]! : 0;
  }
  if (type !== '.') return fits;
  // With the dot before it, and omitted if the rest matches without.
  return rest.map((fit, index) =>
    fit === 1 || (path.charCodeAt(start + index) === DOT && fits[index + 1] === 1) ? 1 : 0,
  );
}

function takes(type: string, code: number): boolean {
  if (type === '*') return code !== NEWLINE;
  return code !== SLASH && (type !== '.' || code !== DOT);
}

/** Returns the position after a character. One outside of the BMP takes two. */
function after(path: string, at: number): number {
  return at + (path.codePointAt(at)! > 0xffff ? 2 : 1);
}
