/** Differences between the routes of two states of an API: for each route and each version of it that clients use. */
import { isDeepStrictEqual } from 'node:util';
import { compareOperations } from './compare-operations.js';
import type { SchemaFinding } from './compare-schemas.js';
import { type Difference, difference, pairs } from './difference.js';
import type { RuleName } from './rules.js';
import { type ApiState, type OperationState, type RouterState, type RouteState, routeKey } from './state.js';
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
  const turned = now.overlaps.filter(([first, later]) => old.overlaps.some(([a, b]) => a === later && b === first));
  for (const [first, later] of turned) found.push(about('route-order-changed', `${first} goes before ${later}`));
  return found;
}

function compareVersions(a: string, b: string): number {
  const [[major = 0, minor = 0], [otherMajor = 0, otherMinor = 0]] = [a, b].map((text) =>
    text.split('.').map(Number),
  ) as [number[], number[]];
  return major - otherMajor || minor - otherMinor;
}

function routes(before: ApiState, after: ApiState): Difference[] {
  // The first of two routes with one key is the one that requests reach.
  const [old, now] = [before.routes.toReversed(), after.routes.toReversed()];
  return pairs(old, now, routeKey).flatMap(([was, is]) => route(after.name, was, is));
}

function route(api: string, was: RouteState | undefined, is: RouteState | undefined): Difference[] {
  const one = (is ?? was)!;
  const subject = `${one.method === '*' ? 'any' : one.method} ${one.path}`;
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
