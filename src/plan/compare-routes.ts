/** Differences between the routes of two states of an API: for each route and each version of it that clients use. */
import { isDeepStrictEqual } from 'node:util';
import { compareOperations } from './compare-operations.js';
import type { SchemaFinding } from './compare-schemas.js';
import { type Difference, difference } from './difference.js';
import type { RuleName } from './rules.js';
import {
  type ApiState,
  type OperationState,
  type RouterState,
  type RouteState,
  requiredPath,
  routeKey,
} from './state.js';
import { namedValue } from './value-path.js';

/** Returns the differences of an API's Routers and routes. */
export function compareRoutes(before: ApiState, after: ApiState): Difference[] {
  return [...routers(before, after), ...routes(before, after)];
}

function routers(before: ApiState, after: ApiState): Difference[] {
  return before.routers.flatMap((old) => {
    const now = after.routers.find(({ app, prefix }) => app === old.app && prefix === old.prefix);
    return now === undefined ? [] : router(after.name, old, now);
  });
}

function router(api: string, old: RouterState, now: RouterState): Difference[] {
  const subject = `routes at ${old.prefix || '/'}`;
  const about = (rule: RuleName, text: string): Difference =>
    difference({ api, subject, old: null, new: null }, rule, text);
  const found: Difference[] = [];
  const [had, has] = [old.versions, now.versions];
  if (!isDeepStrictEqual(had, has)) {
    const shown = (range: RouterState['versions']): string =>
      range === null ? 'none' : `${range.min} to ${range.max}`;
    const isLess =
      had === null || has === null || compareVersions(has.min, had.min) > 0 || compareVersions(has.max, had.max) < 0;
    const rule = isLess ? 'versions-removed' : 'versions-added';
    found.push(about(rule, `versions ${shown(had)} -> ${shown(has)}`));
  }
  if (!isDeepStrictEqual(old.faults, now.faults))
    found.push(about('faults-changed', `faults ${old.faults.join(', ')} -> ${now.faults.join(', ')}`));
  const before = new Set(old.overlaps.map(([first, later]) => `${unnamed(first)} ${unnamed(later)}`));
  const turned = now.overlaps.filter(([one, other]) => {
    const [first, later] = [unnamed(one), unnamed(other)];
    // Only their conditions tell two routes with one form apart, and a state does not have those.
    return first !== later && before.has(`${later} ${first}`) && !before.has(`${first} ${later}`);
  });
  for (const [first, later] of turned) found.push(about('route-order-changed', `${first} goes before ${later}`));
  return found;
}

/** Returns a path without the names of its variables, which do not matter to a client: `/rooms/{:int}` */
function unnamed(path: string): string {
  return path.replaceAll(/\{[^{}:]*((?::(?:[^{}]|\{[^{}]*\})*)?)\}/g, '{$1}');
}

function compareVersions(a: string, b: string): number {
  const [[major = 0, minor = 0], [otherMajor = 0, otherMinor = 0]] = [a, b].map((text) =>
    text.split('.').map(Number),
  ) as [number[], number[]];
  return major - otherMajor || minor - otherMinor;
}

function routes(before: ApiState, after: ApiState): Difference[] {
  const [old, now] = [byKey(before.routes.toReversed()), byKey(after.routes.toReversed())];
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((key) => {
    const [some, others] = [old.get(key)?.toReversed() ?? [], now.get(key)?.toReversed() ?? []];
    // Requirements tell apart what a path alone does not.
    const nameOf = some.length > 1 || others.length > 1 ? requiredName : routeName;
    return counterparts(some, others).flatMap(([was, is]) => route(after.name, nameOf((is ?? was)!), was, is));
  });
}

function byKey(routes: readonly RouteState[]): ReadonlyMap<string, readonly RouteState[]> {
  const found = new Map<string, RouteState[]>();
  for (const each of routes) found.set(routeKey(each), [...(found.get(routeKey(each)) ?? []), each]);
  return found;
}

type Counterparts = readonly [was: RouteState | undefined, is: RouteState | undefined];

/** How alike two routes with one key must be to be the same one, the closest first; at last their order decides. */
const ALIKE: readonly ((a: RouteState, b: RouteState) => boolean)[] = [
  (a, b) => isDeepStrictEqual(a.requirements, b.requirements) && a.action === b.action,
  (a, b) => isDeepStrictEqual(a.requirements, b.requirements),
  () => true,
];

/** Returns routes with one key, each with what it was or is in the other state. */
function counterparts(before: readonly RouteState[], after: readonly RouteState[]): Counterparts[] {
  const known = new Map<RouteState, RouteState>();
  const left = [...after];
  for (const isAlike of ALIKE) {
    for (const was of before) {
      const at = known.has(was) ? -1 : left.findIndex((is) => isAlike(was, is));
      if (at >= 0) known.set(was, left.splice(at, 1)[0]!);
    }
  }
  return [
    ...before.map((was): Counterparts => [was, known.get(was)]),
    ...left.map((is): Counterparts => [undefined, is]),
  ];
}

function routeName({ method, path }: Pick<RouteState, 'method' | 'path'>): string {
  return `${method === '*' ? 'any' : method} ${path}`;
}

function requiredName({ method, path, requirements }: RouteState): string {
  return routeName({ method, path: requiredPath(path, requirements) });
}

function route(api: string, subject: string, old: RouteState | undefined, is: RouteState | undefined): Difference[] {
  // Clients know nothing of a route that never matched.
  const was = isReached(old) ? old : undefined;
  if (was === undefined && !isReached(is)) return [];
  const one = (is ?? was)!;
  const place = { old: was?.place ?? null, new: is?.place ?? null };
  const about = ({ rule, change, text, value = null }: SchemaFinding): Difference =>
    difference({ api, subject, route: routeKey(one), ...place }, rule, text, { change, value });
  if (was === undefined) return [about({ rule: 'route-added', change: 'added', text: 'new' })];
  if (is === undefined) return [about({ rule: 'route-removed', change: 'removed', text: 'removed' })];
  const isDescribed = was.operations.length > 0 && is.operations.length > 0;
  return [
    ...target(was, is),
    ...(isDescribed ? [] : requirements(was, is)),
    ...operations(was.operations, is.operations),
  ].map(about);
}

function isReached(route: RouteState | undefined): boolean {
  return route !== undefined && route.shadowedBy.length === 0;
}

function target(was: RouteState, is: RouteState): SchemaFinding[] {
  const found: SchemaFinding[] = [];
  const change = 'changed';
  if (was.action !== is.action) {
    found.push({ rule: 'route-action-changed', change, text: `leads to ${is.action}, and led to ${was.action}` });
  }
  const shadowing = is.shadowedBy.filter((each) => !was.shadowedBy.includes(each));
  if (shadowing.length > 0) {
    found.push({ rule: 'route-shadowed', change, text: `never matches: ${shadowing.join(', ')} comes before it` });
  }
  if (!isDeepStrictEqual(was.filters, is.filters)) {
    const shown = (filters: readonly string[]): string => filters.join(', ') || 'none';
    found.push({ rule: 'route-filter-changed', change, text: `filters ${shown(was.filters)} -> ${shown(is.filters)}` });
  }
  const [had, has] = [was.bodyLimit, is.bodyLimit];
  // The state of an older Portico has none.
  if (
    typeof had === 'number' &&
    typeof has === 'number' &&
    had !== has &&
    !['GET', 'HEAD', 'DELETE', 'OPTIONS'].includes(is.method)
  )
    found.push({ rule: has < had ? 'limit-lowered' : 'limit-raised', change, text: `bodyLimit ${had} -> ${has}` });
  return [...found, ...deadlines(was, is)];
}

function deadlines({ deadline: was }: RouteState, { deadline: is }: RouteState): SchemaFinding[] {
  if (was === undefined || is === undefined || was === is) return [];
  const shown = (ms: number | null): string => (ms === null ? 'none' : `${ms} ms`);
  const isShorter = is !== null && (was === null || is < was);
  const text = `deadline ${shown(was)} -> ${shown(is)}`;
  return [{ rule: isShorter ? 'deadline-shorter' : 'deadline-longer', change: 'changed', text }];
}

function requirements(was: RouteState, is: RouteState): SchemaFinding[] {
  const names = [...is.path.matchAll(/\{([^}]*)\}/g)].map(([, name]) => name!);
  return names.flatMap((name, index): SchemaFinding[] => {
    const [old = null, now = null] = [was.requirements[index], is.requirements[index]];
    if (old === now) return [];
    const at = namedValue('path', name);
    const about = { change: 'changed', value: at.path } as const;
    if (old === null) return [{ ...about, rule: 'path-requirement-added', text: `${at.name} must match ${now}` }];
    if (now === null) return [{ ...about, rule: 'path-requirement-removed', text: `${at.name} may be any value` }];
    return [{ ...about, rule: 'path-requirement-changed', text: `${at.name}: ${old} -> ${now}` }];
  });
}

/** Compares for each version that clients use what they get there; a finding about all of them is said once. */
function operations(before: readonly OperationState[], after: readonly OperationState[]): SchemaFinding[] {
  if (before.length === 0 || after.length === 0) return [];
  const starts = [...new Set([...before, ...after].flatMap(({ from }) => from ?? []))].toSorted(compareVersions);
  if (starts.length === 0) return between(before[0]!, after[0]!);
  const found = new Map<string, { readonly finding: SchemaFinding; readonly versions: string[] }>();
  for (const version of starts) {
    const [old, now] = [inVersion(before, version), inVersion(after, version)];
    for (const finding of between(old, now)) {
      const known = found.get(JSON.stringify(finding));
      if (known === undefined) found.set(JSON.stringify(finding), { finding, versions: [version] });
      else known.versions.push(version);
    }
  }
  return [...found.values()].map(({ finding, versions }) =>
    versions.length === starts.length ? finding : { ...finding, text: `${finding.text} (from version ${versions[0]})` },
  );
}

function inVersion(states: readonly OperationState[], version: string): OperationState {
  const found = states.findLast(({ from }) => from === null || compareVersions(from, version) <= 0);
  return found ?? { from: version, operation: null };
}

function between({ operation: was }: OperationState, { operation: is }: OperationState): SchemaFinding[] {
  if (was === null && is === null) return [];
  if (was === null) return [{ rule: 'route-version-added', change: 'added', text: 'new' }];
  if (is === null) return [{ rule: 'route-version-removed', change: 'removed', text: 'removed' }];
  return compareOperations(was, is);
}
