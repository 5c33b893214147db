/**
 * Determines the handling of each route of a compiled table; collects all errors.
 */
import { METHODS } from 'node:http';
import { type App, compose, type Filter, type MatchedRoute } from '../../app/index.js';
import type { Origin } from '../../errors/index.js';
import type { CompiledAction } from '../actions/compiled-action.js';
import { NoAction } from '../actions/controllers.js';
import type { Auth } from '../actions/guard.js';
import { SchemaCompiler } from '../actions/schema-compiler.js';
import { ANY_JSON } from '../actions/taken-types.js';
import { rangesOverlap, rangeText, readRange, type VersionRange } from '../api-version.js';
import { warnOfTable } from '../built-router.js';
import type { CompiledRoute } from '../matching/compiled-route.js';
import { acceptsMethod, namedMethods } from '../route/conditions.js';
import type { Route } from '../route/route.js';
import { definitionError, RouteError } from '../route/route-error.js';
import type { ActionEngine } from './action-engine.js';
import { guardsOf, needsKnownCaller, withCaller } from './guard-filter.js';
import {
  type ActionTarget,
  type Entry,
  fixedRules,
  ParamReader,
  type RouterParts,
  type ServedMethod,
  type ServedRoute,
  targetKey,
} from './served-route.js';
import { mountedApp, notedAction, notedRedirect, probed } from './tried-route.js';

/** Returns the handling of each route, by its index in the table; `run` runs an action after its filters. */
export function buildServed(
  parts: RouterParts,
  engine: Pick<ActionEngine, 'bodyLimit' | 'asksGuards'>,
  run: App,
): readonly ServedRoute[] {
  const serving = new RouteServing(parts, engine, run);
  const served: ServedRoute[] = [];
  const issues: Issue[] = [];
  for (const compiled of parts.table.routes) {
    const { route } = compiled;
    try {
      served.push(serving.served(compiled));
    } catch (error) {
      issues.push({ error: error as Error, route, origin: parts.mapper.originOf(route) });
    }
  }
  for (const error of jointErrors(issues, parts)) parts.refuse(error);
  return served;
}

/** Determines the handling of the routes of one table. */
class RouteServing {
  readonly #parts: RouterParts;
  readonly #compiler: SchemaCompiler;
  readonly #engine: Pick<ActionEngine, 'bodyLimit' | 'asksGuards'>;
  readonly #run: App;
  /** Versions that the router serves; undefined without versions. */
  readonly #versions: VersionRange | undefined;
  /** Actions for other versions that were reported. */
  readonly #warned = new Set<string>();
  /** For each path of Fastify's routes: the numbers that a method has, and the first that it has not. */
  readonly #numbers = new Map<string, Map<string, PathNumbers>>();

  constructor(parts: RouterParts, engine: Pick<ActionEngine, 'bodyLimit' | 'asksGuards'>, run: App) {
    this.#parts = parts;
    this.#compiler = new SchemaCompiler(parts.options);
    this.#engine = engine;
    this.#run = run;
    const { versions } = parts.options;
    this.#versions = versions && readRange([versions.min, versions.max]);
  }

  /** Returns the handling of a route. Throws a {@link RouteError} for an unknown controller or action. */
  served(compiled: CompiledRoute): ServedRoute {
    const { route } = compiled;
    const settings = this.#parts.settings.get(route) ?? {};
    const matched = this.#matchedOf(compiled, settings.written);
    const shared = {
      route,
      matched,
      below: new Map([['', matched]]),
      params: new ParamReader(compiled, settings.types),
    };
    const redirect = this.#parts.mapper.redirectOf(route);
    const guards = this.#parts.mapper.guardsOf(route);
    const mounted = this.#parts.mapper.mountOf(route);
    if (redirect !== undefined) {
      return { kind: 'redirect', ...shared, guards: [...probed(guards), ...notedRedirect(redirect)], redirect };
    }
    if (mounted !== undefined) {
      const place = matched.template.replace(/\/?\{path_info[^/]*\}$/, '');
      const around = probed(needsKnownCaller(guards[0]) ? [...guards, withCaller] : guards);
      return { kind: 'mount', ...shared, app: compose(around, mountedApp(mounted, place)), place };
    }
    if (route.variables.has('controller') || route.variables.has('action')) {
      return { kind: 'action', ...shared, settings, target: null, named: this.#named(compiled) };
    }
    const [controller, action] = [route.defaults.get('controller'), route.defaults.get('action')];
    if (typeof controller !== 'string' || typeof action !== 'string') throw noController(controller);
    return {
      kind: 'action',
      ...shared,
      settings,
      target: this.#target(compiled, controller, action),
      named: new Map(),
    };
  }

  /** Returns the log fields of a route: its written path, below the router's prefix. */
  #matchedOf({ route }: CompiledRoute, written: string | undefined): MatchedRoute {
    const text = (value: unknown): string => (typeof value === 'string' ? value : '');
    const named = namedMethods(route.conditions);
    return {
      name: route.name,
      template: this.#parts.mapper.prefix + (written ?? route.template),
      controller: text(route.defaults.get('controller')),
      action: text(route.defaults.get('action')),
      ...(named?.some((method) => !USUAL_METHODS.includes(method)) && { methods: named }),
    };
  }

  /** Returns all actions that a path may name: their errors are found now, not when a client names them. */
  #named(compiled: CompiledRoute): ReadonlyMap<string, ActionTarget> {
    const { variables, defaults } = compiled.route;
    const { options, controllers } = this.#parts;
    const listed = variables.has('controller') ? Object.keys(options.controllers ?? {}) : [defaults.get('controller')];
    const targets = new Map<string, ActionTarget>();
    for (const controller of listed) {
      if (typeof controller !== 'string') throw noController(controller);
      for (const action of controllers.resource(controller).actionNames()) {
        if (!variables.has('action') && action !== defaults.get('action')) continue;
        targets.set(targetKey(controller, action), this.#target(compiled, controller, action));
      }
    }
    return targets;
  }

  #target(route: CompiledRoute, controller: string, action: string): ActionTarget {
    const { controllers, settings: all, mapper, options } = this.#parts;
    const resource = controllers.resource(controller);
    const settings = all.get(route.route) ?? {};
    const methods = methodsOf(route);
    const entered = (own: Auth | undefined, filters: readonly Filter[]): Pick<Entry, 'app' | 'guard'> => {
      const auth = own ?? settings.auth ?? options.auth;
      const guards = guardsOf(auth);
      // The engine asks it when the hooks of plugins have run, unless filters of the action are inside it.
      const guard = this.#engine.asksGuards && filters.length === 0 && typeof auth === 'function' ? auth : undefined;
      const around = [...mapper.filtersOf(route.route), ...(guard === undefined ? guards : [])];
      return { app: compose([...probed([...around, ...filters]), ...notedAction()], this.#run), guard };
    };
    const servedAs = (compiled: CompiledAction): ServedMethod => ({
      ...compiled,
      ...entered(compiled.options.auth, compiled.filters),
      fastifyPath: this.#freePath(route, methods),
      methods,
      bodyLimit: compiled.options.bodyLimit ?? settings.bodyLimit,
      rules: fixedRules(compiled),
    });
    if (!resource.selectsByKey(action)) {
      const compiled = resource.compile(action, this.#compiler, settings.action);
      for (const method of compiled) {
        refuseAbsentParams(method, route);
        this.#warnIfUnreachable(method, route);
      }
      const served = compiled.map(servedAs);
      return { methods: served, byKey: null, passesBody: (resource.schemas ?? options.schemas) !== 'required' };
    }
    const fastifyPath = this.#freePath(route, methods);
    const actions = new Map<string, readonly ServedMethod[]>();
    for (const bodyKey of resource.bodyKeys()) {
      const compiled = resource.compileKey(bodyKey, this.#compiler);
      const isLate = ({ filters: own, options: { auth } }: CompiledAction): boolean =>
        own.length > 0 || auth !== undefined;
      if (compiled.some(isLate)) throw filtersTooLate(controller, bodyKey);
      for (const method of compiled) {
        if (method.takes?.isJson === false) throw notJson(controller, bodyKey);
        this.#warnIfUnreachable(method, route);
      }
      actions.set(bodyKey, compiled.map(servedAs));
    }
    // The body is read before the action is selected.
    const bodyLimit = Math.max(
      ...[...actions.values()].flat().map((method) => method.bodyLimit ?? this.#engine.bodyLimit),
    );
    const entry = entered(undefined, []);
    return {
      methods: [],
      byKey: { actions, fastifyPath, methods, bodyLimit, takes: ANY_JSON, ...entry },
      passesBody: true,
    };
  }

  /** Warns of an action for none of the versions that the router serves; not an error, because `max` may depend on a configuration. */
  #warnIfUnreachable({ place, range }: CompiledAction, { route }: CompiledRoute): void {
    if (this.#versions === undefined || rangesOverlap(this.#versions, range) || this.#warned.has(place)) return;
    this.#warned.add(place);
    const { log, mapper } = this.#parts;
    warnOfTable(log, {
      code: 'PORTICO_ROUTE_VERSIONS',
      message: `no request can reach ${place}: it is for the versions ${rangeText(range)}, and the router serves ${rangeText(this.#versions)}`,
      hint: 'Change versions of the action, or min and max of the Router.',
      origin: mapper.originOf(route),
    });
  }

  /**
   * Returns a path in Fastify that no other action has for one of the methods: the template, with a number if it is taken. It is plain text
   * to Fastify.
   */
  #freePath({ route }: CompiledRoute, methods: readonly string[]): string {
    const text = route.parts.map((part) => (typeof part === 'string' ? part : `{${part.name}}`)).join('');
    const path = (text.startsWith('/') ? text : `/${text}`).replace(/[^\w\-./{}]/g, '_');
    const byMethod = this.#numbers.get(path) ?? new Map<string, PathNumbers>();
    this.#numbers.set(path, byMethod);
    for (const method of methods) if (!byMethod.has(method)) byMethod.set(method, new PathNumbers());
    const all = methods.map((method) => byMethod.get(method)!);
    let number = Math.max(...all.map(({ free }) => free));
    while (all.some((numbers) => numbers.has(number))) number++;
    for (const numbers of all) numbers.take(number);
    return number === 1 ? path : `${path}~${number}`;
  }
}

/** Numbers of a path that one method has. The first free one is known, so that many routes of one path do not search for it. */
class PathNumbers {
  readonly #taken = new Set<number>();
  free = 1;

  has(number: number): boolean {
    return this.#taken.has(number);
  }

  take(number: number): void {
    this.#taken.add(number);
    while (this.#taken.has(this.free)) this.free++;
  }
}

/** Methods in Fastify of a route without a method condition. */
const USUAL_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** Returns the methods of a route in Fastify. A request with another method is passed under the first of them. */
function methodsOf({ route }: CompiledRoute): readonly string[] {
  if (route.conditions?.method === undefined) return USUAL_METHODS;
  const methods = METHODS.filter((method) => method !== 'CONNECT' && acceptsMethod(route.conditions, method));
  if (methods.length === 0) return USUAL_METHODS;
  return methods.includes('GET') ? [...new Set([...methods, 'HEAD'])] : methods;
}

/** Refuses a schema that requires a variable which the path does not have: it would refuse every request. */
function refuseAbsentParams({ requiredParams }: CompiledAction, { route }: CompiledRoute): void {
  const absent = requiredParams.filter((name) => !route.variables.has(name));
  if (absent.length === 0) return;
  throw new RouteError('PORTICO_ROUTE_SCHEMA', {
    message: `the params schema requires ${absent.map((name) => `"${name}"`).join(', ')}, which the path does not have`,
    hint: `The path has: ${[...route.variables.keys()].join(', ') || 'no variables'}.`,
  });
}

function noController(controller: unknown): RouteError {
  return new RouteError('PORTICO_ROUTE_NO_CONTROLLER', {
    message: typeof controller === 'string' ? 'the route has no action' : 'the route has no controller',
    hint: "connect(path, { controller: 'servers', action: 'show' }), or a handler.",
  });
}

function notJson(controller: string, bodyKey: string): RouteError {
  return new RouteError('PORTICO_ROUTE_BODY_KEY', {
    message: `${controller}: the action for the body key "${bodyKey}" takes another body than JSON, which has that key`,
    hint: 'Give it a schema of JSON, or a separate route.',
  });
}

function filtersTooLate(controller: string, bodyKey: string): RouteError {
  return new RouteError('PORTICO_ROUTE_FILTERS', {
    message: `${controller}: the action for the body key "${bodyKey}" has filters or auth, but is selected after the body was read`,
    hint: 'Move them to the route.',
  });
}

/** An error in a route, with the location of its definition. */
export interface Issue {
  readonly error: Error;
  readonly route: Route;
  readonly origin: Origin | undefined;
}

/** Joins errors with the same cause: equal ones of one call, and those that name missing actions of one controller. */
export function jointErrors(issues: readonly Issue[], parts: RouterParts): RouteError[] {
  const causes = new Map<string, Issue[]>();
  for (const issue of issues) {
    const { error, origin } = issue;
    const said = error instanceof NoAction ? `no action in ${error.controller}` : error.message;
    const cause = `${placeOf(origin)} ${said}`;
    const present = causes.get(cause);
    if (present === undefined) causes.set(cause, [issue]);
    else present.push(issue);
  }
  return [...causes.values()].map((each) => joint(each, parts));
}

function placeOf(origin: Origin | undefined): string {
  return `${origin?.file}:${origin?.line}:${origin?.column}`;
}

/** Returns the actions of the routes of the same `resource` call. */
function actionsBeside({ route, origin }: Issue, { table, mapper }: RouterParts): ReadonlySet<unknown> {
  const { _collectionName: collection } = route.options;
  const beside = table.routes.filter(
    ({ route: other }) =>
      other.options._collectionName === collection && placeOf(mapper.originOf(other)) === placeOf(origin),
  );
  return new Set(beside.map((each) => each.route.options.action));
}

function joint(issues: readonly Issue[], parts: RouterParts): RouteError {
  const [{ error, route, origin }] = issues as readonly [Issue];
  if (issues.length === 1) return definitionError(error, route.template, origin);
  const { _collectionName: collection } = route.options;
  const templates = [...new Set(issues.map((issue) => JSON.stringify(issue.route.template)))];
  const subject = collection === undefined ? `the routes ${templates.join(', ')}` : `the resource "${collection}"`;
  const lacking = issues.flatMap((issue) => (issue.error instanceof NoAction ? [issue.error] : []));
  if (lacking.length === 0) {
    const { code = 'PORTICO_ROUTE_DEFINITION', hint } = error as Partial<RouteError>;
    return new RouteError(code, { message: `${subject}: ${error.message}`, hint, origin, cause: error });
  }
  const { controller, names } = lacking[0]!;
  const actions = [...new Set(lacking.map(({ action }) => action))];
  const wanted = actions.map((action) => `"${action}"`).join(', ');
  const has = `It has: ${names.join(', ') || 'none'}.`;
  const known = collection === undefined ? new Set() : actionsBeside(issues[0]!, parts);
  const only = names.filter((name) => known.has(name)).map((name) => `'${name}'`);
  return new RouteError('PORTICO_ROUTE_NO_ACTION', {
    message: `${subject}: the controller ${controller} has no ${actions.length === 1 ? 'action' : 'actions'} ${wanted}`,
    hint: only.length === 0 ? has : `${has} Write only: [${only.join(', ')}], or add the others.`,
    origin,
    cause: error,
  });
}
