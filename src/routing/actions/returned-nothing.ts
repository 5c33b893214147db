/**
 * Kind of response that a handler certainly sends, for documents: nothing, or chunks.
 */
import type { RangedOptions } from './action.js';
import type { AnyHandler } from './action-request.js';

/** Returns what a handler sends whatever it is given. */
export function sentBy(handler: AnyHandler): Pick<RangedOptions, 'sends'> {
  const kind = Object.prototype.toString.call(handler);
  if (kind === '[object AsyncGeneratorFunction]') return { sends: 'chunks' };
  if (kind === '[object GeneratorFunction]') return {};
  return returnsNothing(Function.prototype.toString.call(handler)) ? { sends: 'nothing' } : {};
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
