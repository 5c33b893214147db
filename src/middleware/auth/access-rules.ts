/**
 * Access rules: what a token of an application credential may be used for (OpenStack Identity API v3).
 */
import type { AccessRule, TokenInfo } from './token-validator.js';

/** Whether one of the rules lets a request to a service of this type through. `path` is without query. */
export function isAllowed(rules: readonly AccessRule[], serviceType: string, method: string, path: string): boolean {
  return rules.some((rule) => rule.service === serviceType && rule.method === method && matchesPath(rule.path, path));
}

/** The rules a token is held to; undefined where it has none. */
export function accessRulesOf({ appCredential }: TokenInfo): readonly AccessRule[] | undefined {
  return appCredential?.accessRules;
}

/**
 * Whether a path fits a rule's: `*` and `{name}` are one segment or a part of one, not empty; `**` is anything; all else is
 * itself. Callers write rules, so this is no regular expression: the time is at most length times length.
 */
export function matchesPath(pattern: string, path: string): boolean {
  const tokens = pattern.match(/\*\*|\*|\{[^{}/]*\}|./gs) ?? [];
  let here = closure(tokens, new Set([0]));
  for (let at = 0; at < path.length && here.size > 0; at++) {
    const next = new Set<number>();
    for (const state of here) {
      const token = tokens[state];
      if (token === '**') next.add(state);
      else if (isSegment(token) && path[at] !== '/') next.add(state).add(state + 1);
      else if (token === path[at]) next.add(state + 1);
    }
    here = closure(tokens, next);
  }
  return here.has(tokens.length);
}

/** `**` may be nothing at all. */
function closure(tokens: readonly string[], states: Set<number>): Set<number> {
  for (const state of states) if (tokens[state] === '**') states.add(state + 1);
  return states;
}

function isSegment(token: string | undefined): boolean {
  return token !== undefined && (token === '*' || token.length > 1) && token !== '**';
}
