/**
 * A route table for people and tools: what `api-cli routes` shows.
 */

import type { Filter } from '../app/index.js';
import type { Origin } from '../errors/index.js';
import type { BuiltRouter } from './built-router.js';
import { acceptsMethod } from './mapper/conditions.js';
import { findShadowed } from './matching/check-table.js';
import type { CompiledRoute, Found } from './matching/compiled-route.js';
import { pathText } from './template/template.js';

/** One route, in the order in which routes are tried. */
export interface DescribedRoute {
  /** Null: every method. */
  readonly methods: readonly string[] | null;
  readonly template: string;
  /** The template as a client's URL has it, variables in braces. */
  readonly path: string;
  readonly name: string | null;
  readonly controller: string | null;
  readonly action: string | null;
  readonly requirements: Readonly<Record<string, string>>;
  /** Names of the filters around the controller, outermost first. */
  readonly filters: readonly string[];
  /** Where a redirect leads. */
  readonly redirect: string | null;
  /** Where it was added. */
  readonly origin: Origin | undefined;
  /** Templates and places of the routes because of which this one can never win. */
  readonly shadowedBy: readonly { readonly template: string; readonly origin: Origin | undefined }[];
}

/** Why a route was passed over. */
export interface PassedOver {
  readonly template: string;
  readonly methods: readonly string[] | null;
  readonly reason: string;
  readonly origin: Origin | undefined;
}

/** Which route answers, and why not those before it. */
export interface ExplainedMatch {
  readonly route: DescribedRoute | null;
  /** The match: variables and defaults. */
  readonly match: Readonly<Record<string, unknown>> | null;
  readonly passedOver: readonly PassedOver[];
}

/** All routes of a router. */
export function describeRoutes(router: BuiltRouter): DescribedRoute[] {
  const table = router.compile();
  const shadowed = new Map(findShadowed(table.planned).map(({ compiled, by }) => [compiled, by]));
  return table.ranked.map((compiled) => describeRoute(router, compiled, shadowed.get(compiled)));
}

/** Which route takes method and path; the path is decoded text. */
export function explainMatch(router: BuiltRouter, method: string, path: string): ExplainedMatch {
  const { found, rest } = lookUp(router, method, path);
  const passedOver: PassedOver[] = [];
  for (const compiled of router.compile().ranked) {
    if (compiled === found?.compiled) break;
    const { template } = compiled.route;
    const reason = reasonAgainst(compiled, method, rest);
    passedOver.push({ template, methods: methodsOf(compiled), reason, origin: router.originOf(compiled.route) });
  }
  const route = found === null ? null : describeRoute(router, found.compiled);
  return { route, match: found?.match ?? null, passedOver };
}

function lookUp(router: BuiltRouter, method: string, path: string): { found: Found | null; rest: string | null } {
  const rest = router.withoutPrefix(path);
  const found = router.find(method, path);
  return { found: found ?? (method === 'HEAD' ? router.find('GET', path) : null), rest };
}

function reasonAgainst(compiled: CompiledRoute, method: string, path: string | null): string {
  if (path === null) return 'the path does not begin with the prefix of the table';
  if (!path.startsWith(compiled.prefix)) return `the path does not begin with ${compiled.prefix || '/'}`;
  if (compiled.capture(path) === null) return 'the path has another form';
  if (!acceptsMethod(compiled.route.conditions, method)) return `it does not take ${method}`;
  return 'its sub-domain or function refuses a request without more to it';
}

/** One route, for people; `by` are those that keep it from winning. */
export function describeRoute(
  router: BuiltRouter,
  compiled: CompiledRoute,
  by: readonly CompiledRoute[] = [],
): DescribedRoute {
  const { route } = compiled;
  const text = (name: string): string | null => {
    const value = route.defaults.get(name);
    return typeof value === 'string' ? value : route.variables.has(name) ? `{${name}}` : null;
  };
  return {
    methods: methodsOf(compiled),
    template: route.template,
    path: pathText(route.parts),
    name: route.name,
    controller: router.mountedApp(route) === undefined ? text('controller') : null,
    action: text('action'),
    requirements: { ...route.requirements },
    filters: router.filtersOf(route).map(filterName),
    redirect: router.redirectOf(route)?.target.template ?? null,
    origin: router.originOf(route),
    shadowedBy: by.map((other) => ({ template: other.route.template, origin: router.originOf(other.route) })),
  };
}

function methodsOf({ route }: CompiledRoute): readonly string[] | null {
  const method = route.conditions?.method;
  return method === undefined ? null : [method].flat();
}

/** What a filter in code is called. */
export function filterName({ name }: Filter): string {
  return name || 'a filter without a name';
}
