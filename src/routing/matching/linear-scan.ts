/**
 * The definition of right: every route in the order of its rank, each with the expression of the whole path.
 *
 * The segment tree must agree with it on every path; tests compare the two. Paths the tree does not take are answered
 * here too.
 */

import type { CompiledSubDomains, MatchRequest } from '../mapper/conditions.js';
import { acceptFound, type CompiledRoute, type Found } from './compiled-route.js';

/** The first route that takes path and request. `request` null: methods are not looked at. */
export function linearScan(
  ranked: readonly CompiledRoute[],
  path: string,
  request: MatchRequest | null,
  subDomains: CompiledSubDomains,
): Found | null {
  for (const compiled of ranked) {
    const captured = compiled.capture(path);
    if (captured === null) continue;
    const found = acceptFound(compiled, captured, request, subDomains);
    if (found !== null) return found;
  }
  return null;
}
