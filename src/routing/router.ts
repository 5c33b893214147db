/**
 * Routes to controllers: a mapper whose table is an App.
 */
import type { IncomingMessage } from 'node:http';
import type { App, ClosableApp, Filter } from '../app/index.js';
import { connectApp, factoryLog, faultFormOf } from '../app/internal.js';
import { nearestOrAll, type PorticoError } from '../errors/index.js';
import type { Handler } from './actions/action.js';
import { type ControllerSource, Controllers, HANDLER_ACTION } from './actions/controllers.js';
import type { VersionOptions } from './api-version.js';
import { type LookUp, noteRouter, type OperationSource } from './built-router.js';
import { type Auth, guardFilter } from './guard.js';
import { Mapper } from './mapper/mapper.js';
import type { ExpandedRoute, ResourceOptions } from './mapper/resource-routes.js';
import {
  checkOptionNames,
  checkSlash,
  type KeptSettings,
  RESOURCE_OPTIONS,
  ROUTE_OPTIONS,
  type RouteSettings,
  splitSettings,
} from './mapper/route-settings.js';
import type { Found } from './matching/compiled-route.js';
import { routerDocument } from './openapi.js';
import { checkConditions, type Match } from './route/conditions.js';
import { type Named, type ParamsOf, type ParamType, paramTypes, takeTypes, withTypes } from './route/param-types.js';
import type { Route, RouteOptions } from './route/route.js';
import { callSite, RouteError, RouteTableError } from './route/route-error.js';
import { RouterApp } from './router-app.js';
import { checkRouterOptions, type RouterOptions } from './router-options.js';
import type { UrlValues } from './urls/url-builder.js';

/** Options of a router's route. Any name that is not listed is a default, as for a mapper. */
export interface ConnectOptions<T extends string = string> extends RouteOptions, Omit<RouteSettings, 'handler'> {
  /** The name of a controller, or the controller itself. */
  readonly controller?: string | ControllerSource | null | undefined;
  /** The method of the controller. Default: what the variable `{action}` of the path says. */
  readonly action?: string | null | undefined;
  /** A function that answers, where a route needs no controller. The type of its params follows from the template. */
  readonly handler?: Handler<unknown, Readonly<Record<string, string | string[] | undefined>>, ParamsOf<T>> | undefined;
}

/** The names that {@link ConnectOptions} lists. */
type Listed = keyof { [K in keyof ConnectOptions as string extends K ? never : number extends K ? never : K]: true };

/** Of options that are written down: names that are not listed are defaults, which are texts, numbers or booleans. */
type Spelt<O, T extends string> = string extends keyof O
  ? unknown
  : {
      readonly [K in Exclude<keyof O, Listed>]: K extends keyof ParamsOf<T>
        ? unknown
        : K extends 'method' | 'methods'
          ? never
          : string | number | boolean | null | undefined;
    };

/** Paths of named routes: `url('server', { id })`, and `url.server({ id })` for names the compiler knows. */
export type RouterUrl = (name: string, values?: UrlValues) => string;

/** Options of a router's resource. */
export interface RouterResourceOptions extends ResourceOptions {
  /** The name of a controller, or the controller itself. Default: the collection name without outer slashes. */
  readonly controller?: string | ControllerSource | undefined;
  /** The only actions to keep. */
  readonly only?: readonly string[] | undefined;
  /** Who may call its actions. Default: as the router says. */
  readonly auth?: Auth | undefined;
  /** Actions to leave out. */
  readonly except?: readonly string[] | undefined;
  /** False leaves out the routes with a format. Default true. */
  readonly formatted?: boolean | undefined;
}

/** A route table with its controllers. Add routes, then `build()`; after that it is immutable. */
export class Router extends Mapper {
  readonly #options: RouterOptions;
  readonly #controllers: Controllers;
  readonly #settings = new Map<Route, KeptSettings>();
  readonly #filters: Filter[] = [];
  readonly #issues: PorticoError[] = [];
  readonly #types: ReadonlyMap<string, ParamType>;
  #url: RouterUrl | undefined;
  #built = false;
  #app: RouterApp | undefined;

  constructor(options: RouterOptions = {}) {
    checkRouterOptions(options);
    const { controllers = {}, ...rest } = options;
    super({ ...rest, controllers: Object.keys(controllers) });
    this.#options = options;
    this.#controllers = new Controllers(controllers);
    this.#types = paramTypes(options.types);
  }

  /**
   * Adds a route: `connect('/servers/{id}', { controller, action })`, or with a name in front. A mistake is reported
   * by `build()`, together with all others. The result has the type of `url` with the name added.
   */
  override connect<const T extends string, O extends ConnectOptions<T>>(template: T, options?: O & Spelt<O, T>): this;
  override connect<const N extends string, const T extends string, O extends ConnectOptions<T>>(
    name: N,
    template: T,
    options?: O & Spelt<O, T>,
  ): this & Named<N, T>;
  override connect<const T extends string, O extends ConnectOptions<T>>(
    name: string | null,
    template: T,
    options?: O & Spelt<O, T>,
  ): this;
  override connect(first: string | null, second: string | ConnectOptions = {}, third: ConnectOptions = {}): this {
    if (typeof second === 'string') this.addRoute(first, second, third as RouteOptions);
    else this.addRoute(null, first, second as RouteOptions);
    return this;
  }

  /** A resource: `resource('server', 'servers', { controller, collection: { detail: 'GET' } })`. */
  override resource(memberName: string, collectionName: string, options: RouterResourceOptions = {}): this {
    if (this.#options.compat !== 'routes' && typeof collectionName === 'string') {
      this.guard(null, collectionName, callSite(), () => checkOptionNames(options, RESOURCE_OPTIONS, new Set()));
    }
    return super.resource(memberName, collectionName, options);
  }

  /** Another app at a path and below it, on segment borders; it sees what is left of the path. */
  mount(path: string, app: App): this {
    const prefix = path.endsWith('/') ? path.slice(0, -1) : path;
    const options = { _mounted: connectApp(app) } as RouteOptions;
    if (prefix !== '') this.addRoute(null, prefix, options);
    this.addRoute(null, `${prefix}/{path_info:.*}`, options);
    return this;
  }

  /** A filter around all controllers, after matching; the first is the outermost. */
  use(filter: Filter): this {
    this.#refuseLate();
    this.#filters.push(filter);
    return this;
  }

  /** The route that takes method and path, without running anything; null when none does. */
  find(method: string, path: string): Found | null {
    const rest = this.withoutPrefix(path);
    return rest === null ? null : this.compile().find(method, rest, null);
  }

  /** The path of a named route; within a request, `request.url` gives the whole URL. */
  get url(): RouterUrl {
    this.#url ??= this.#makeUrl();
    return this.#url;
  }

  /**
   * Compiles table, controllers and schemas, and gives the App. Throws a {@link RouteTableError} with all mistakes at
   * once. Close the App when no request is under way.
   */
  async build(): Promise<ClosableApp> {
    this.#serveOpenApi();
    this.#built = true;
    const parts = {
      options: this.#options,
      log: this.#options.log ?? factoryLog('router'),
      mapper: this,
      table: this.compile(),
      controllers: this.#controllers,
      settings: this.#settings,
      filters: this.#filters,
      refuse: (error: PorticoError) => void this.#issues.push(error),
    };
    const router = new RouterApp(parts);
    if (this.#issues.length > 0) throw new RouteTableError(this.#issues);
    const close = await router.start();
    const app = Object.assign(router.handle, { close });
    this.#app = router;
    noteRouter(this, app);
    return app;
  }

  override addRoute(name: string | null, template: string | null, options: RouteOptions): void {
    this.#refuseLate();
    super.addRoute(name, template, options);
  }

  protected override makeRoute(name: string | null, template: string | null, options: RouteOptions): Route {
    const strict = this.#options.compat !== 'routes';
    if (strict) checkConditions(options.conditions);
    const { settings, rest } = splitSettings(options);
    const { template: bare, types } = takeTypes(template, strict ? this.#types : new Map());
    const route = super.makeRoute(name, bare, withTypes(this.#withController(rest, settings), types));
    if (strict) {
      const answered = settings.handler !== undefined || settings._mounted !== undefined;
      const meant = new Set([...route.variables.keys(), ...(answered ? ['controller', 'action'] : [])]);
      checkOptionNames(options, ROUTE_OPTIONS, meant);
      if (!this.#options.prefix) checkSlash(route);
    }
    this.#settings.set(route, { ...settings, types });
    return route;
  }

  protected override expand(
    memberName: string,
    collectionName: string,
    options: RouterResourceOptions,
  ): readonly ExpandedRoute[] {
    const expanded = super.expand(memberName, collectionName, options);
    const actions = new Set(expanded.map(({ options: { action } }) => String(action)));
    for (const name of [...(options.only ?? []), ...(options.except ?? [])]) {
      if (actions.has(name)) continue;
      this.refuse(
        new RouteError('PORTICO_ROUTE_UNKNOWN_ACTION', {
          message: `the resource "${collectionName}" has no action "${name}"`,
          hint: nearestOrAll(name, actions, 'It has'),
        }),
      );
    }
    const { auth } = options;
    return expanded
      .filter(({ formatted, options: { action } }) => {
        if (formatted && options.formatted === false) return false;
        return (options.only?.includes(String(action)) ?? true) && !options.except?.includes(String(action));
      })
      .map((route) => (auth === undefined ? route : { ...route, options: { ...route.options, auth } }));
  }

  protected override redirectStatus(code: string | number): number {
    const status = super.redirectStatus(code);
    if ([301, 302, 303, 307, 308].includes(status)) return status;
    throw new RouteError('PORTICO_ROUTE_REDIRECT', {
      message: `"${code}" is no status of a redirect`,
      hint: 'Use 301, 302, 303, 307 or 308.',
    });
  }

  protected override changed(): void {
    super.changed();
    this.#url = undefined;
  }

  protected override refuse(error: PorticoError): void {
    this.#issues.push(error);
  }

  #withController(options: RouteOptions, { handler, _mounted }: KeptSettings): RouteOptions {
    if (_mounted !== undefined) return options;
    if (handler !== undefined) {
      return { ...options, controller: this.#controllers.nameOfHandler(handler), action: HANDLER_ACTION };
    }
    const { controller } = options;
    if (typeof controller !== 'object' && typeof controller !== 'function') return options;
    return controller === null ? options : { ...options, controller: this.#controllers.nameOf(controller) };
  }

  #serveOpenApi(): void {
    const { openapi } = this.#options;
    if (openapi === undefined || this.#built) return;
    let document: unknown;
    const handler: Handler = ({ req }) => {
      document ??= routerDocument(this, openapi, faultFormOf(req));
      return document;
    };
    this.connect(openapi.path, { handler, conditions: { method: ['GET'] } });
  }

  #makeUrl(): RouterUrl {
    const url: RouterUrl = (name, values = {}) => this.urls.url(name, values, {});
    for (const name of this.names.keys()) {
      Object.defineProperty(url, name, { value: (values: UrlValues = {}) => url(name, values), configurable: true });
    }
    return url;
  }

  mountedApp(route: Route): App | undefined {
    return this.#settings.get(route)?._mounted;
  }

  /** The filters around a route's controller, outermost first. */
  filtersOf(route: Route): readonly Filter[] {
    return [...this.#filters, ...(this.#settings.get(route)?.filters ?? [])];
  }

  lookUp(req: IncomingMessage): LookUp {
    return this.#app!.lookUp(req);
  }

  /** The versions of the API. */
  get versions(): VersionOptions | undefined {
    return this.#options.versions;
  }

  /** What it says itself of how its faults are written. */
  get faults(): Pick<RouterOptions, 'faultStyle' | 'invalidInputStatus'> {
    return this.#options;
  }

  /** What a route runs; null for redirects and mounts, and without a match for controllers that the path names. */
  operationSource(route: Route, match?: Match): OperationSource | null {
    const controller = match?.controller ?? route.defaults.get('controller');
    const action = match?.action ?? route.defaults.get('action');
    if (this.mountedApp(route) !== undefined || this.redirectOf(route) !== undefined) return null;
    if (typeof controller !== 'string' || typeof action !== 'string' || !this.#controllers.has(controller)) return null;
    const settings = this.#settings.get(route);
    const methods = this.#controllers.resource(controller).optionsOf(action);
    const guard = guardFilter(methods.at(-1)?.auth ?? settings?.auth ?? this.#options.auth);
    return {
      controller,
      action,
      methods: methods.map((options) => ({ ...settings?.schema, ...options })),
      filters: [...this.filtersOf(route), ...(guard === undefined ? [] : [guard])],
    };
  }

  #refuseLate(): void {
    if (!this.#built) return;
    throw new RouteError('PORTICO_ROUTE_BUILT', {
      message: 'the router is built: its table cannot change any more',
      hint: 'To change routes, build another Router and swap the apps.',
    });
  }
}
