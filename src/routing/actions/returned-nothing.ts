/**
 * Kind of response that a handler certainly sends, for documents: nothing, or chunks.
 */
import type { RangedOptions } from './action.js';
import type { AnyHandler } from './action-request.js';

/** Returns what a handler sends whatever it is given, and the statuses of the replies that it makes. */
export function sentBy(handler: AnyHandler): Pick<RangedOptions, 'sends' | 'replies'> {
  const kind = Object.prototype.toString.call(handler);
  if (kind === '[object AsyncGeneratorFunction]') return { sends: 'chunks' };
  if (kind === '[object GeneratorFunction]') return {};
  const source = Function.prototype.toString.call(handler);
  const replies = repliesIn(source);
  if (replies !== undefined) return { replies };
  return returnsNothing(source) ? { sends: 'nothing' } : {};
}

/**
 * Returns the statuses of the replies in a function that returns nothing else, `undefined` for one without its own; undefined if any other
 * value may be returned, or a status is not a number in the text. It says no if in doubt, like {@link returnsNothing}.
 */
function repliesIn(source: string): readonly (number | undefined)[] | undefined {
  const returned = [...source.matchAll(/(?:\breturn|=>(?!\s*\{))\s*(new\s+Reply\s*\([^;]*)?/g)];
  if (returned.length === 0 || returned.some(([, reply]) => reply === undefined)) return undefined;
  const statuses = returned.map(([, reply = '']) => /\bstatus\s*(?::\s*(\d{3})\b)?/.exec(reply));
  if (statuses.some((found) => found !== null && found[1] === undefined)) return undefined;
  return [...new Set(statuses.map((found) => (found === null ? undefined : Number(found[1]))))];
}

/**
 * Reports whether a function has a body in braces without `return`. It says no if in doubt: for one whose word `return` is in a text or in
 * an inner function, for native and bound functions, and for those that name the response, on which they may answer.
 */
function returnsNothing(source: string): boolean {
  if (!source.trimEnd().endsWith('}') || /\b(?:return|res|reply|response)\b|\[native code\]/.test(source)) return false;
  const arrow = source.indexOf('=>');
  return arrow < 0 || !/^(?:async\s*)?(?:\(|[\w$]+\s*=>)/.test(source) || /^=>\s*\{/.test(source.slice(arrow));
}
