/**
 * Description of a route table for people and tools, as in `api-cli routes`.
 */
import type { TrialStep } from '../app/internal.js';
import { nearestNames, type Origin } from '../errors/index.js';
import { HANDLER_ACTION } from './actions/controllers.js';
import type { BuiltRouter, PluginAnswer } from './built-router.js';
import type { CompiledRoute } from './matching/compiled-route.js';
import { shortestParts } from './matching/shortest-parts.js';
import { acceptsMethod } from './route/conditions.js';
import { MEMBER_ID } from './route/route.js';
import { DEFAULT_BODY_LIMIT } from './serving/action-engine.js';
import { findShadowed } from './serving/check-table.js';
import { filterName, type RouteFacts } from './serving/tried-route.js';
import { translateRegex } from './template/python-regex.js';
import { pathText, variablePattern } from './template/template.js';

/** One route, in the order in which routes are tried. */
export interface DescribedRoute {
  /** Null: every method. */
  readonly methods: readonly string[] | null;
  readonly template: string;
  /** Template as in a client's URL, with variables in braces. */
  readonly path: string;
  readonly name: string | null;
  /** Null: the route has a function, an app or a redirect. */
  readonly controller: string | null;
  /** Action of the controller, or name of the function. */
  readonly action: string | null;
  /** Expressions of variables, except the one that all ids of a resource have. */
  readonly requirements: Readonly<Record<string, string>>;
  /** Names of the types of variables: `{id:int}`. */
  readonly types: Readonly<Record<string, string>>;
  /** Names of the filters around the controller, outermost first. */
  readonly filters: readonly string[];
  /** Bytes of a body that its action accepts; null: the route has no action. */
  readonly bodyLimit: number | null;
  /** Milliseconds after which it responds with 503; null: no deadline. */
  readonly deadline: number | null;
  /** Target of a redirect. */
  readonly redirect: string | null;
  /** Location of its definition. */
  readonly origin: Origin | undefined;
  /** Templates and locations of the routes that prevent this one from ever matching. */
  readonly shadowedBy: readonly { readonly template: string; readonly origin: Origin | undefined }[];
}

/** Returns all routes of a router. */
export function describeRoutes(router: BuiltRouter): DescribedRoute[] {
  const table = router.compile();
  const shadowed = new Map(findShadowed(table.ranked).map(({ compiled, by }) => [compiled, by]));
  return table.ranked.map((compiled) => describeRoute(router, compiled, shadowed.get(compiled)));
}

/** Describes one route; `by`: the routes that prevent it from matching. */
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
  const isFunction = route.defaults.get('action') === HANDLER_ACTION;
  return {
    methods: methodsOf(compiled),
    template: route.template,
    path: pathText(route.parts),
    name: route.name,
    controller: isFunction || router.mountOf(route) !== undefined ? null : text('controller'),
    action: isFunction ? text('controller') : text('action'),
    requirements: Object.fromEntries(Object.entries(route.requirements).filter(([, regex]) => regex !== MEMBER_ID)),
    types: Object.fromEntries(route.types),
    filters: router.filtersOf(route).map(filterName),
    bodyLimit: bodyLimitOf(router, compiled),
    deadline: router.deadlineOf(route) ?? null,
    redirect: router.redirectOf(route)?.target.template ?? null,
    origin: router.originOf(route),
    shadowedBy: by.map((other) => ({ template: other.route.template, origin: router.originOf(other.route) })),
  };
}

function bodyLimitOf(router: BuiltRouter, compiled: CompiledRoute): number | null {
  const operation = router.redirectOf(compiled.route) === undefined ? router.operationOf(compiled) : undefined;
  if (operation === undefined) return null;
  const ofRouter = router.documented.bodyLimit ?? DEFAULT_BODY_LIMIT;
  return Math.max(0, ...operation.variants.map(({ bodyLimit = ofRouter }) => bodyLimit)) || ofRouter;
}

function methodsOf({ route }: CompiledRoute): readonly string[] | null {
  const method = route.conditions?.method;
  return method === undefined ? null : [method].flat();
}

/** Description of a step of a trial in a Router. */
export interface DescribedStep {
  /** First matching route; null if there is none. */
  readonly route: DescribedRoute | null;
  /** Variables and defaults of the match. */
  readonly match: Readonly<Record<string, unknown>> | null;
  /** The plugin that responds; null if the table or the router does. */
  readonly plugin: PluginAnswer | null;
  /** Methods of the path, if none of its routes takes the method. */
  readonly allow: readonly string[] | null;
  /** The route that was perhaps intended. */
  readonly nearest: DescribedRoute | null;
  /** The reason why no route matches. */
  readonly why?: string;
}

/** Describes a step of a trial in a Router; undefined for any other. */
export function describeStep(step: TrialStep): DescribedStep | undefined {
  const facts = routeFactsOf(step);
  if (facts === undefined) return undefined;
  const { router, found, plugin = null } = facts;
  const nothing = { route: null, match: null, plugin, allow: null, nearest: null };
  if (found !== null) return { ...nothing, route: describeRoute(router, found.compiled), match: { ...found.match } };
  return plugin === null ? { ...nothing, ...missed(facts) } : nothing;
}

/** Returns what a Router has noted of a trial; undefined for a step of another kind of app. */
function routeFactsOf({ facts }: TrialStep): RouteFacts | undefined {
  return facts as RouteFacts | undefined;
}

function missed({ router, method, path, allowed }: RouteFacts): Partial<DescribedStep> {
  if (allowed.length > 0) {
    const takes = `the path accepts ${allowed.join(', ')}`;
    const why = method === 'OPTIONS' ? `${takes}, and there is no route for OPTIONS` : `${takes}, and not ${method}`;
    return { why, allow: allowed };
  }
  if (path === null) return { why: "the path does not begin with the router's prefix" };
  const nearest = slashedRoute(router, method, path) ?? nearestRoute(router, path);
  const why = `no route matches ${path === '' ? 'the empty path' : path}`;
  if (nearest === undefined) return { why };
  const described = describeRoute(router, nearest);
  const reason = pathMismatch(nearest, path);
  const methods = described.methods?.join(',') ?? 'any';
  const but = reason === undefined ? '' : `, but ${reason}`;
  return { why: `${why}; the nearest is ${methods} ${described.path}${but}`, nearest: described };
}

/** Distance of a segment that is missing, additional, or entirely different. */
const FAR = 3;

/** Returns the route that matches with one more or one less slash at the end, if possible one that accepts the method. */
function slashedRoute(router: BuiltRouter, method: string, path: string): CompiledRoute | undefined {
  const other = path.endsWith('/') ? path.slice(0, -1) : `${path}/`;
  const found = router.compile().ranked.filter((compiled) => compiled.takes(other));
  return found.find(({ route }) => acceptsMethod(route.conditions, method)) ?? found[0];
}

/** Returns the route whose template is most similar to a path; undefined if none is similar. */
function nearestRoute(router: BuiltRouter, path: string): CompiledRoute | undefined {
  const wanted = path.split('/');
  const checked = router.compile().ranked.map((compiled) => {
    const template = pathText(compiled.route.parts).split('/');
    return { compiled, distance: distance(wanted, template) };
  });
  checked.sort((a, b) => a.distance - b.distance);
  const [first] = checked;
  return first !== undefined && first.distance <= FAR && first.distance < FAR * (wanted.length - 1)
    ? first.compiled
    : undefined;
}

function distance(wanted: readonly string[], template: readonly string[]): number {
  let sum = Math.abs(wanted.length - template.length) * FAR;
  for (const [at, segment] of template.entries()) {
    const asked = wanted[at];
    if (asked === undefined || asked === segment || segment.includes('{')) continue;
    sum += nearestNames(asked, [segment]).length > 0 ? 1 : FAR;
  }
  return sum;
}

// Explains why a path that resembles a route does not match it.

/** Returns the reason why a path does not match a route; undefined if it matches, or has an entirely different form. */
function pathMismatch(compiled: CompiledRoute, path: string): string | undefined {
  if (compiled.takes(path)) return undefined;
  if (path.endsWith('/') && compiled.takes(path.slice(0, -1))) return 'the path has a trailing slash';
  if (compiled.takes(`${path}/`)) return 'the path has no trailing slash';
  return refusedValue(compiled, path);
}

/** Returns the first value that its type or requirement refuses, if the path would match without these. */
function refusedValue({ source, route }: CompiledRoute, path: string): string | undefined {
  const variables = route.parts.filter((part) => typeof part !== 'string');
  if (route.minimize || variables.some(({ type }) => type === '{')) return undefined;
  const values = shortestParts(route.parts, path, 0, path.length, true) ?? [];
  for (const [index, value] of values.entries()) {
    const variable = variables[index]!;
    const pattern = variablePattern(variable, source);
    if (value === undefined || new RegExp(`^(?:${translateRegex(pattern).source})$`, 'v').test(value)) continue;
    return `${variable.name} = ${JSON.stringify(value)} does not match ${route.types.get(variable.name) ?? pattern}`;
  }
  return undefined;
}
