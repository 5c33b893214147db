/**
 * Differences of two states together with a replay: each change of a route's requests stands beside the difference that explains it, and refused
 * requests that nothing explains are a difference themselves.
 */
import { type Difference, difference, sorted } from './difference.js';
import type { Noted } from './print-text.js';
import type { ReplayChange, ReplayedRoute, ReplayReport } from './replay.js';
import type { RuleName } from './rules.js';
import { templateKey } from './state.js';
import { isWithin } from './value-path.js';

/** Differences with those of a replay, and what is printed beside some of them. */
interface ReplayedDifferences {
  readonly differences: readonly Difference[];
  readonly noted: Noted;
}

/** Adds a replay to differences. `textOf`: returns the words for a change of some requests of a route. */
export function withReplay(
  differences: readonly Difference[],
  { routes }: ReplayReport,
  textOf: (change: ReplayChange, route: ReplayedRoute) => string,
): ReplayedDifferences {
  const notes = new Map<Difference, string[]>();
  const refused: Difference[] = [];
  for (const each of routes) {
    const { api, method } = each;
    const [route, ...others] = keysOf(each);
    const own = differences.filter((one) => one.api === api && (one.route === route || others.includes(one.route)));
    for (const change of each.changes) {
      const isRefused = change.refused > 0;
      const cause = own.find((one) => explains(one, change) && (!isRefused || one.class === 'breaking'));
      const text = textOf(change, each);
      if (cause !== undefined) notes.set(cause, [...(notes.get(cause) ?? []), text]);
      else if (isRefused) {
        const subject = `${method} ${each.route ?? '(no route)'}`;
        refused.push(difference({ api, subject, route, old: null, new: null }, 'replay-refused', text));
      }
    }
  }
  return { differences: sorted([...differences, ...refused]), noted: (one) => notes.get(one)?.join(', ') };
}

/** Returns the {@link routeKey} of a route, and those of routes that get its requests too; null for requests without a route. */
function keysOf({ method, route }: ReplayedRoute): readonly [string | null, ...(string | null)[]] {
  if (route === null) return [null];
  const [first, ...others] = [method, '*', ...(method === 'HEAD' ? ['GET'] : [])].map(
    (each) => `${each} ${templateKey(route)}`,
  );
  return [first!, ...others];
}

/** Rules of differences after which requests of a route match another one, or none. */
const ROUTING: ReadonlySet<RuleName> = new Set([
  'route-removed',
  'route-added',
  'route-version-removed',
  'route-version-added',
  'route-shadowed',
]);

/** Reports whether a difference of the route, or of the API for requests without one, is why its requests change. */
function explains({ rule, value }: Difference, { before, after }: ReplayChange): boolean {
  if (before.route === null && after.route === null) return after.status === 404 && rule === 'mount-removed';
  if (templateKey(before.route ?? '') !== templateKey(after.route ?? ''))
    return ROUTING.has(rule) || value?.[0] === 'path';
  if (after.status === 401) return rule === 'security-added' || rule === 'security-alternative-removed';
  return value !== null && after.issues.some((issue) => isWithin(issue.value, value));
}
