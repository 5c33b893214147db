/**
 * Description of a route table for people and tools, as in `api-cli routes`.
 */
import type { IncomingMessage } from 'node:http';
import { type App, Fault, type Filter } from '../app/index.js';
import { nearestNames, type Origin } from '../errors/index.js';
import { HANDLER_ACTION } from './actions/controllers.js';
import { readRange, type WrittenRange } from './api-version.js';
import { type BuiltRouter, type LookUp, mountedRouter, type PluginAnswer } from './built-router.js';
import type { CompiledRoute, Found } from './matching/compiled-route.js';
import { shortestParts } from './matching/shortest-parts.js';
import { acceptsMethod } from './route/conditions.js';
import { MEMBER_ID } from './route/route.js';
import { findShadowed } from './serving/check-table.js';
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
  /** Target of a redirect. */
  readonly redirect: string | null;
  /** Place of its definition. */
  readonly origin: Origin | undefined;
  /** Templates and places of the routes that prevent this one from ever matching. */
  readonly shadowedBy: readonly { readonly template: string; readonly origin: Origin | undefined }[];
}

/** Reason why a route does not match. */
export interface PassedOver {
  readonly template: string;
  readonly methods: readonly string[] | null;
  readonly reason: string;
  readonly origin: Origin | undefined;
}

/** The matching route, and the reasons against the routes before it. */
export interface ExplainedMatch {
  readonly route: DescribedRoute | null;
  /** Match with variables and defaults. */
  readonly match: Readonly<Record<string, unknown>> | null;
  readonly passedOver: readonly PassedOver[];
}

/** Returns all routes of a router. */
export function describeRoutes(router: BuiltRouter): DescribedRoute[] {
  const table = router.compile();
  const shadowed = new Map(findShadowed(table.planned).map(({ compiled, by }) => [compiled, by]));
  return table.ranked.map((compiled) => describeRoute(router, compiled, shadowed.get(compiled)));
}

/** Returns the route of method and path; the path is decoded. */
export function explainMatch(router: BuiltRouter, method: string, path: string): ExplainedMatch {
  const rest = router.withoutPrefix(path);
  const found = router.find(method, path) ?? (method === 'HEAD' ? router.find('GET', path) : null);
  const { ranked } = router.compile();
  return {
    route: found === null ? null : describeRoute(router, found.compiled),
    match: found?.match ?? null,
    passedOver: ranked.slice(0, found?.compiled.rank).map((compiled) => ({
      template: compiled.route.template,
      methods: methodsOf(compiled),
      reason: reasonAgainst(compiled, method, rest),
      origin: router.originOf(compiled.route),
    })),
  };
}

function reasonAgainst(compiled: CompiledRoute, method: string, path: string | null): string {
  if (path === null) return 'the path does not begin with the prefix of the table';
  if (!path.startsWith(compiled.prefix)) return `the path does not begin with ${compiled.prefix || '/'}`;
  if (!compiled.takes(path)) return pathMismatch(compiled, path) ?? 'the path has a different form';
  if (!acceptsMethod(compiled.route.conditions, method)) return `it does not accept ${method}`;
  return compiled.route.types.size === 0
    ? 'its sub-domain or function refuses this bare request'
    : 'its types, sub-domain or function refuse this bare request';
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
    redirect: router.redirectOf(route)?.target.template ?? null,
    origin: router.originOf(route),
    shadowedBy: by.map((other) => ({ template: other.route.template, origin: router.originOf(other.route) })),
  };
}

function methodsOf({ route }: CompiledRoute): readonly string[] | null {
  const method = route.conditions?.method;
  return method === undefined ? null : [method].flat();
}

/** Returns the name of a filter in code. */
export function filterName({ name }: Filter): string {
  return name || 'a filter without a name';
}

/** Prediction for a request. */
export interface ExplainedRoute {
  /** First matching route; null if there is none. */
  readonly route: DescribedRoute | null;
  /** Variables and defaults of the match. */
  readonly match: Readonly<Record<string, unknown>> | null;
  /** Requested API version. */
  readonly version: string | null;
  /** Filters around the action, the mounted app or the redirect, outermost first. */
  readonly filters: readonly Filter[];
  /** The action; null if the router answers by itself, and for a mounted app. */
  readonly action: { readonly controller: string; readonly name: string } | null;
  /** The app that the route leads to, with its router if it is one. */
  readonly mounted: { readonly app: App; readonly router: BuiltRouter | undefined } | null;
  /** The plugin that answers; null if the table or the router does. */
  readonly plugin: PluginAnswer | null;
  /** The router's own response; null if an action, a plugin or an app answers. */
  readonly answer: RouterAnswer | null;
}

/** A response without an action. */
export interface RouterAnswer {
  readonly status: number;
  readonly why: string;
  /** Methods of the path. */
  readonly allow?: readonly string[];
  /** The route that was perhaps intended. */
  readonly nearest?: DescribedRoute;
  /** Reason why that route does not match, if it is a detail of the path. */
  readonly reason?: string | undefined;
}

/** Explains a request that reaches a router; the path is the part that remains for it. */
export function explainRoute(router: BuiltRouter, req: IncomingMessage): ExplainedRoute {
  let looked: LookUp;
  try {
    looked = router.lookUp(req);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { ...NOTHING, answer: { status: error.status, why: error.message } };
  }
  const { found, version } = looked;
  const seen = { ...NOTHING, version: version?.text ?? null };
  const { plugin } = looked;
  if (plugin !== null) return { ...seen, plugin, filters: router.guardsOf(undefined) };
  if (found === null) return { ...seen, answer: missed(router, req.method ?? '', looked) };
  const taken = { ...seen, route: describeRoute(router, found.compiled), match: { ...found.match } };
  const { route } = found.compiled;
  const redirect = router.redirectOf(route);
  if (redirect !== undefined) {
    const why = `redirects to ${redirect.target.template}`;
    return { ...taken, filters: router.guardsOf(route), answer: { status: redirect.status, why } };
  }
  const mount = router.mountOf(route);
  if (mount !== undefined) {
    const mounted = { app: mount, router: mountedRouter(router, route) };
    return { ...taken, filters: router.guardsOf(route), mounted };
  }
  return { ...taken, ...acting(router, found, looked) };
}

const NOTHING: ExplainedRoute = {
  route: null,
  match: null,
  version: null,
  filters: [],
  action: null,
  mounted: null,
  plugin: null,
  answer: null,
};

function acting(router: BuiltRouter, found: Found, { version }: LookUp): Partial<ExplainedRoute> {
  const source = router.operationSource(found.compiled.route, found.match);
  const { controller, action } = found.match;
  const name = `${String(controller)}.${String(action)}`;
  if (source === null || source.methods.length === 0) {
    return { answer: { status: 404, why: `there is no action ${name}` } };
  }
  const method = source.methods.find(({ versions }) => version?.within(readRange(versions)) ?? true);
  if (method !== undefined) {
    const filters = [...source.filters, ...(method.filters ?? [])];
    return { filters, action: { controller: source.controller, name: source.action } };
  }
  const ranges = source.methods.map(({ versions: [from, to] = [null] as WrittenRange }) => {
    return `${from ?? 'the first'} to ${to ?? 'the last'}`;
  });
  const why = `${name} does not exist in version ${version!.text}, only from ${ranges.join(', ')}`;
  return { answer: { status: 404, why } };
}

function missed(router: BuiltRouter, method: string, { path, allowed }: LookUp): RouterAnswer {
  if (allowed.length > 0) {
    const takes = `the path accepts ${allowed.join(', ')}`;
    if (method === 'OPTIONS')
      return { status: 204, why: `${takes}, and there is no route for OPTIONS`, allow: allowed };
    return { status: 405, why: `${takes}, and not ${method}`, allow: allowed };
  }
  if (path === null) return { status: 404, why: "the path does not begin with the router's prefix" };
  const nearest = slashedRoute(router, method, path) ?? nearestRoute(router, path);
  const none = { status: 404, why: `no route matches ${path === '' ? 'the empty path' : path}` };
  if (nearest === undefined) return none;
  return { ...none, nearest: describeRoute(router, nearest), reason: pathMismatch(nearest, path) };
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
