/** Routes to controllers: a mapper whose table is an App. */
import type { IncomingMessage } from 'node:http';
import type { App, ClosableApp, Filter } from '../app/index.js';
import { connectApp, factoryLog, noteMade } from '../app/internal.js';
import { type PorticoError, refuseUnknownOptions } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import { Controllers, HANDLER_ACTION } from './actions/controllers.js';
import type { Auth } from './actions/guard.js';
import { joinedDocs, type OperationDocs } from './actions/operation-docs.js';
import { type LookUp, noteRouter, type OperationSource, type PluginRoute } from './built-router.js';
import {
  type ConnectOptions,
  type RouterResourceOptions,
  type RouterUrl,
  routerUrl,
  type Spelt,
  type SuitsResource,
} from './connect-options.js';
import { Mapper, type RedirectOptions } from './mapper/mapper.js';
import type { ExpandedRoute } from './mapper/resource-routes.js';
import {
  checkOptionNames,
  checkRedirectStatus,
  checkSlash,
  type KeptSettings,
  REDIRECT_OPTIONS,
  RESOURCE_OPTIONS,
  ROUTE_OPTIONS,
  splitSettings,
} from './mapper/route-settings.js';
import type { Found } from './matching/compiled-route.js';
import { documentHandler } from './openapi.js';
import { resourceForm } from './resource-form.js';
import { checkConditions, type Match } from './route/conditions.js';
import { type Named, type ParamsOf, type ParamType, paramTypes, takeTypes, withTypes } from './route/param-types.js';
import type { Route, RouteOptions } from './route/route.js';
import { callSite, RouteError, RouteTableError } from './route/route-error.js';
import { longForm, type MethodOptions, type RouteMethod } from './route-method.js';
import { RouterApp } from './router-app.js';
import { checkedRouterOptions, type RouterOptions, type TypedRouterOptions } from './router-options.js';
import { guardsOf } from './serving/guard-filter.js';
import { operationSource } from './serving/operation-source.js';

/** A route table with its controllers. Add routes, then `build()`; after that it is immutable. */
// biome-ignore lint/suspicious/noExplicitAny: the types of any router
export class Router<Own = any, const A extends Auth | undefined = any> extends Mapper {
  /** Adds a route for GET: `get('/books/{id:int}', ({ params }) => …)`, with options before the action if needed. HEAD is answered too. */
  readonly get: RouteMethod<this, Own, A> = this.#shortForm('GET');
  /** Adds a route for POST: `post('/books', { body: schema, status: 201 }, ({ body }) => …)`. */
  readonly post: RouteMethod<this, Own, A> = this.#shortForm('POST');
  /** Adds a route for PUT, as {@link get} does for GET. */
  readonly put: RouteMethod<this, Own, A> = this.#shortForm('PUT');
  /** Adds a route for PATCH, as {@link get} does for GET. */
  readonly patch: RouteMethod<this, Own, A> = this.#shortForm('PATCH');
  /** Adds a route for DELETE, as {@link get} does for GET. An action that returns nothing answers 204. */
  readonly delete: RouteMethod<this, Own, A> = this.#shortForm('DELETE');
  /** Adds a route for HEAD alone. */
  readonly head: RouteMethod<this, Own, A> = this.#shortForm('HEAD');
  /** Adds a route for OPTIONS. */
  readonly options: RouteMethod<this, Own, A> = this.#shortForm('OPTIONS');
  readonly #options: RouterOptions & { readonly log?: Logger };
  readonly #controllers: Controllers;
  /** Settings of the routes of all routers: `extend` copies routes of others. */
  static readonly #settings = new WeakMap<Route, KeptSettings>();
  readonly #filters: Filter[] = [];
  readonly #issues: PorticoError[] = [];
  readonly #types: ReadonlyMap<string, ParamType>;
  #url: RouterUrl | undefined;
  #built = false;
  #app: RouterApp | undefined;

  constructor(options: TypedRouterOptions<Own, A> = {}) {
    const given = checkedRouterOptions(options);
    const { controllers = {}, ...rest } = given;
    super({ ...rest, controllers: Object.keys(controllers) });
    this.#options = given;
    this.#controllers = new Controllers(controllers);
    this.#types = paramTypes(given.types);
  }

  /**
   * Adds a route: `connect('/servers/{id}', { controller, action })`, optionally with a name first. `build()` reports a mistake, together
   * with all others. The result has the type of `url` with the name added.
   */
  override connect<const T extends string, const O extends ConnectOptions<T, Own>>(
    template: T,
    options?: O & Spelt<O, T>,
  ): this;
  override connect<const N extends string, const T extends string, const O extends ConnectOptions<T, Own>>(
    name: N,
    template: T,
    options?: O & Spelt<O, T>,
  ): this & Named<N, ParamsOf<T, Own>>;
  override connect<const T extends string, const O extends ConnectOptions<T, Own>>(
    name: string | null,
    template: T,
    options?: O & Spelt<O, T>,
  ): this;
  override connect(first: string | null, second: string | ConnectOptions = {}, third: ConnectOptions = {}): this {
    if (typeof second === 'string') this.addRoute(first, second, third as RouteOptions);
    else this.addRoute(null, first, second as RouteOptions);
    return this;
  }

  #shortForm(method: string): RouteMethod<this, Own, A> {
    return (path: string, first: unknown, second?: unknown): this => {
      const [options, action] = second === undefined ? [{}, first] : [first as object, second];
      const definition = { ...(options as MethodOptions), method, path, action };
      const { name = null } = definition;
      let long: RouteOptions | undefined;
      this.guard(name, path, callSite(), () => {
        long = longForm(definition);
      });
      if (long !== undefined) this.addRoute(name, path, long);
      return this;
    };
  }

  /** Adds a resource: `resource('server', 'servers', { controller, collection: { detail: 'GET' } })`. */
  override resource<const O extends RouterResourceOptions>(
    memberName: string,
    collectionName: string,
    options?: O & SuitsResource<O, Own>,
  ): this;
  override resource(memberName: string, collectionName: string, options: RouterResourceOptions = {}): this {
    if (this.#options.compat !== 'routes' && typeof collectionName === 'string') {
      this.guard(null, collectionName, callSite(), () => checkOptionNames(options, RESOURCE_OPTIONS, new Set()));
    }
    return super.resource(memberName, collectionName, options);
  }

  /** Mounts another app at a path and below it, on segment borders; it gets the rest of the path. Default of `auth`: the router's. */
  mount(path: string, app: App, options: { readonly auth?: Auth | undefined } = {}): this {
    this.guard(null, path, callSite(), () =>
      refuseUnknownOptions('PORTICO_ROUTE_OPTION', 'a mount', options ?? {}, ['auth']),
    );
    const prefix = path.endsWith('/') ? path.slice(0, -1) : path;
    const mounted = { auth: options?.auth, _mounted: connectApp(app) };
    if (prefix !== '') this.addRoute(null, prefix, mounted);
    this.addRoute(null, `${prefix}/{path_info:.*}`, mounted);
    return this;
  }

  /** Adds a filter around all controllers, after matching; the first is the outermost. */
  use(filter: Filter): this {
    this.#refuseLate();
    this.#filters.push(filter);
    return this;
  }

  /** Returns the route for method and path, without running anything; null if there is none. */
  find(method: string, path: string): Found | null {
    const rest = this.withoutPrefix(path);
    return rest === null ? null : this.compile().find(method, rest, null);
  }

  /** Path of a named route; within a request, `request.url` returns the whole URL. */
  get url(): RouterUrl {
    this.#url ??= routerUrl(this.urls, this.names.keys());
    return this.#url;
  }

  /** Compiles everything, and returns the App. Throws `PORTICO_ROUTE_TABLE` with all mistakes. Close the App after the last request. */
  async build(): Promise<ClosableApp> {
    this.#serveOpenApi();
    this.#built = true;
    const parts = {
      options: this.#options,
      log: this.#options.log ?? factoryLog('router'),
      mapper: this,
      table: this.compile(),
      controllers: this.#controllers,
      settings: Router.#settings,
      refuse: (error: PorticoError) => void this.#issues.push(error),
    };
    const router = new RouterApp(parts);
    if (this.#issues.length > 0) throw new RouteTableError(this.#issues);
    const app = noteMade(Object.assign(router.handle, { close: await router.start() }));
    this.#app = router;
    noteRouter(this, app);
    return app;
  }

  /** @internal */
  override addRoute(name: string | null, template: string | null, options: RouteOptions): void {
    this.#refuseLate();
    super.addRoute(name, template, options);
  }

  /** @internal */
  protected override makeRoute(name: string | null, template: string | null, options: RouteOptions): Route {
    const strict = this.#options.compat !== 'routes';
    if (strict) checkConditions(options.conditions);
    const { settings, rest } = splitSettings(options);
    const typed = takeTypes(template, strict ? this.#types : new Map());
    const { template: bare, types, notices } = typed;
    const written = withTypes(this.#withController(rest, settings, bare), typed);
    const odd = notices.length === 0 ? written : { ...written, _notices: [...(written._notices ?? []), ...notices] };
    const route = super.makeRoute(name, bare, odd);
    if (strict) {
      const answered = settings.handler !== undefined || settings._mounted !== undefined;
      const meant = new Set([...route.variables.keys(), ...(answered ? ['controller', 'action'] : [])]);
      checkOptionNames(options, ROUTE_OPTIONS, meant);
      if (!this.#options.prefix) checkSlash(route);
    }
    Router.#settings.set(route, { ...settings, types, written: template ?? undefined });
    return route;
  }

  /** @internal */
  protected override expand(
    memberName: string,
    collectionName: string,
    options: RouterResourceOptions,
  ): readonly ExpandedRoute[] {
    const expanded = super.expand(memberName, collectionName, options);
    return resourceForm(expanded, collectionName, options, {
      isType: (id) => this.#types.has(id),
      refuse: (error) => this.refuse(error),
    });
  }

  /** @internal */
  protected override redirectStatus(options: RedirectOptions, target: Route): number {
    if (this.#options.compat !== 'routes') checkOptionNames(options, REDIRECT_OPTIONS, target.variables);
    const status = super.redirectStatus(options, target);
    checkRedirectStatus(status, options._redirectCode);
    return status;
  }

  /** @internal */
  protected override settingsOf(route: Route): RouteOptions {
    const { types: _types, written: _written, ...settings } = Router.#settings.get(route) ?? {};
    return { ...settings };
  }

  /** @internal */
  protected override changed(): void {
    super.changed();
    this.#url = undefined;
  }

  /** @internal */
  protected override refuse(error: PorticoError): void {
    this.#issues.push(error);
  }

  #withController(options: RouteOptions, { handler, _mounted }: KeptSettings, template: string | null): RouteOptions {
    if (_mounted !== undefined) return options;
    const own = handler && this.#controllers.nameOfHandler(handler, template, options);
    if (own !== undefined) return { ...options, controller: own, action: HANDLER_ACTION };
    const { controller } = options;
    if (typeof controller !== 'object' && typeof controller !== 'function') return options;
    return controller === null ? options : { ...options, controller: this.#controllers.nameOf(controller) };
  }

  #serveOpenApi(): void {
    const { openapi } = this.#options;
    if (openapi === undefined || this.#built) return;
    const handler = documentHandler(this, openapi, this.#options.linkPrefix);
    const conditions = { method: ['GET'] };
    this.connect(openapi.path, { handler, conditions, auth: openapi.auth, docs: { hidden: true } });
  }

  /** @internal */
  mountOf(route: Route): App | undefined {
    return Router.#settings.get(route)?._mounted;
  }

  /** @internal */
  guardsOf(route: Route | undefined): readonly Filter[] {
    return guardsOf((route && Router.#settings.get(route))?.auth ?? this.#options.auth, () => this.#app!);
  }

  /** Returns the filters around a route's controller, outermost first. @internal */
  filtersOf(route: Route): readonly Filter[] {
    return [...this.#filters, ...(Router.#settings.get(route)?.filters ?? [])];
  }

  /** @internal */
  get pluginRoutes(): readonly PluginRoute[] {
    return this.#app?.pluginRoutes ?? [];
  }

  /** @internal */
  lookUp(req: IncomingMessage): LookUp {
    return this.#app!.lookUp(req);
  }

  /** @internal */
  get documented(): Pick<RouterOptions, 'versions' | 'openapi' | 'faultStyle' | 'invalidInputStatus' | 'docs'> {
    return this.#options;
  }

  /** Returns the action of a route; null for redirects and mounts, and without a match for controllers that the path names. @internal */
  operationSource(route: Route, match?: Match): OperationSource | null {
    if (this.mountOf(route) !== undefined || this.redirectOf(route) !== undefined) return null;
    const settings = { ...Router.#settings.get(route), filters: this.filtersOf(route), docs: this.docsOf(route) };
    return operationSource(this.#controllers, route, match, settings, this.#options.auth);
  }

  /** Returns the facts of a route for documents, with those of the router. @internal */
  docsOf(route: Route): OperationDocs {
    return joinedDocs([this.#options.docs, Router.#settings.get(route)?.docs]);
  }

  #refuseLate(): void {
    if (!this.#built) return;
    throw new RouteError('PORTICO_ROUTE_BUILT', {
      message: 'the router is built: its routes can no longer change',
      hint: 'To change routes, build another Router and swap the apps.',
    });
  }
}
