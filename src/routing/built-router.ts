/**
 * A built router for descriptions, and the routers that were built while a module was loaded.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { App, FaultStyle, Filter } from '../app/index.js';
import { knowsTrials } from '../app/internal.js';
import { locationInFile, type Origin } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import type { OperationDocs } from './actions/operation-docs.js';
import type { Mapper } from './mapper/mapper.js';
import type { CompiledRoute, Found } from './matching/compiled-route.js';
import type { Operation } from './operation.js';
import type { Route } from './route/route.js';
import { pathText } from './template/template.js';
import type { VersionOptions } from './version-negotiation.js';

/** Options of a router for its documents. */
export interface DocumentedOptions {
  readonly versions?: VersionOptions | undefined;
  /** Facts about the API. */
  readonly openapi?: OpenApiOptions | undefined;
  readonly faultStyle?: FaultStyle | undefined;
  readonly invalidInputStatus?: number | undefined;
  readonly docs?: OperationDocs | undefined;
  /** Bytes of a body, where an action has no limit. */
  readonly bodyLimit?: number | undefined;
}

/** The source of documents: a `Router`. */
export interface BuiltRouter extends Mapper {
  /** Facts that the router gives its documents. @internal */
  readonly documented: DocumentedOptions;
  /** Returns the route for method and path, without running anything; null if there is none. */
  find(method: string, path: string): Found | null;
  /** Returns the mounted app of a route; undefined for routes to actions, and redirects. @internal */
  mountOf(route: Route): App | undefined;
  /** Routes that plugins have added, in Fastify's form. @internal */
  readonly pluginRoutes: readonly PluginRoute[];
  /** Returns the guard of a mount, a redirect or (undefined) the routes of plugins; empty if neither it nor the router has `auth`. @internal */
  guardsOf(route: Route | undefined): readonly Filter[];
  /** Returns the filters around a route's controller, outermost first. @internal */
  filtersOf(route: Route): readonly Filter[];
  /** Returns the milliseconds after which a route responds with 503; undefined: it has no deadline. @internal */
  deadlineOf(route: Route): number | undefined;
  /** Its operations, in the order in which routes are tried. @internal */
  readonly operations: readonly Operation[];
  /** Returns the operation of a route; undefined for mounts, and for controllers that the path names. @internal */
  operationOf(compiled: CompiledRoute): Operation | undefined;
}

/** A route of a plugin. */
export interface PluginRoute {
  readonly methods: readonly string[];
  /** In Fastify's form: `/documentation/:file`. */
  readonly url: string;
}

/** A plugin responds to a request. */
export interface PluginAnswer {
  /** Null: its not-found handler responds. */
  readonly route: PluginRoute | null;
}

/** A warning about a table, with the written route. */
export interface TableWarning {
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
  /** Location of the route's definition. */
  readonly origin: Origin | undefined;
}

/** Tracks the calls of one `collectRouters`, so that two concurrent ones get their own routers. */
const collecting = new AsyncLocalStorage<BuiltRouter[]>();

/** Runs `load`, and returns the routers that were built within it, and its result. */
export async function collectRouters<T>(
  load: () => Promise<T>,
): Promise<{ readonly routers: readonly BuiltRouter[]; readonly result: T }> {
  const built: BuiltRouter[] = [];
  const result = await collecting.run(built, load);
  return { routers: built, result };
}

/** Logs a warning about a table; the log of a factory passes it to whoever builds the app. */
export function warnOfTable(log: Logger, { code, message, hint, origin }: TableWarning): void {
  const at = origin === undefined ? 'an unknown line' : locationInFile(origin).detail;
  log.warn({ code, ...(hint === undefined ? {} : { hint }), at }, message);
}

/** Returns the location of a route's definition as text. */
export function placeText(origin: Origin | undefined): string {
  return origin === undefined ? 'an unknown line' : `${origin.file}:${origin.line}`;
}

const routers = new WeakMap<App, BuiltRouter>();

/** Called by a router that was built. */
export function noteRouter(router: BuiltRouter, app: App): void {
  collecting.getStore()?.push(router);
  routers.set(knowsTrials(app), router);
}

/** A router with the prefix of its routes' paths. */
export interface PlacedRouter {
  readonly router: BuiltRouter;
  readonly prefix: string;
  /** Guards of the mounts that lead to it, outermost first. */
  readonly guards: readonly Filter[];
}

/** Returns the routers that are not mounted in another one. */
export function outerRouters(built: readonly BuiltRouter[]): readonly BuiltRouter[] {
  const inner = new Set(built.flatMap((router) => mountedRouters(router).map((mounted) => mounted.router)));
  return built.filter((router) => !inner.has(router));
}

/** Returns a router, followed by those mounted in it. */
export function withMounted(
  router: BuiltRouter,
  prefix: string,
  guards: readonly Filter[] = [],
): readonly PlacedRouter[] {
  const own = prefix + router.prefix;
  return [
    { router, prefix: own, guards },
    ...mountedRouters(router).flatMap((inner) =>
      withMounted(inner.router, own + inner.prefix, [...guards, ...inner.guards]),
    ),
  ];
}

function mountedRouters(router: BuiltRouter): readonly PlacedRouter[] {
  return router.routes.flatMap((route) => {
    const inner = mountedRouter(router, route);
    // Of the two routes of a mount, the one for paths below it.
    if (inner === undefined || !route.variables.has('path_info')) return [];
    const prefix = pathText(route.parts.slice(0, -1)).replace(/\/$/, '');
    return [{ router: inner, prefix, guards: router.guardsOf(route) }];
  });
}

/** Returns the router of an app that is one, without anything around it. */
export function routerOfApp(app: App): BuiltRouter | undefined {
  return routers.get(app);
}

/** Returns the router that a route leads to; undefined for all other routes, and for apps that are not a Router. */
export function mountedRouter(router: BuiltRouter, route: Route): BuiltRouter | undefined {
  const mount = router.mountOf(route);
  return mount === undefined ? undefined : routerOfApp(mount);
}

/** Facts about the API as a whole. */
export interface OpenApiOptions {
  /** Name of the API. */
  readonly title: string;
  /** Default: the router's highest version, else 1.0. */
  readonly version?: string | undefined;
  /** Description of the API, as CommonMark. Default: none. */
  readonly description?: string | undefined;
}
