/** Routes to controllers: a mapper whose table is an App. */
import type { App, ClosableApp, Filter } from '../app/index.js';
import { connectApp, factoryLog, noteMade } from '../app/internal.js';
import { nearestOrAll, type PorticoError, refuseUnknownOptions } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import { Controllers, HANDLER_ACTION } from './actions/controllers.js';
import type { Auth } from './actions/guard.js';
import { joinedDocs } from './actions/operation-docs.js';
import { noteRouter, type PluginRoute } from './built-router.js';
import {
  type RouterRedirectOptions,
  type RouterResourceOptions,
  type RouterUrl,
  routerUrl,
  type SuitsResource,
} from './connect-options.js';
import type { RedirectOptions } from './mapper/mapper.js';
import type { ExpandedRoute } from './mapper/resource-routes.js';
import {
  checkOptionNames,
  checkRedirectStatus,
  checkResource,
  checkSlash,
  copiedOptions,
  type KeptSettings,
  REDIRECT_OPTIONS,
  ROUTE_OPTIONS,
  refuseTwoNames,
  splitSettings,
} from './mapper/route-settings.js';
import type { CompiledRoute, Found } from './matching/compiled-route.js';
import { documentHandler } from './openapi.js';
import { type Operation, operationOf } from './operation.js';
import { checkConditions } from './route/conditions.js';
import { type ParamType, paramTypes, takeTypes, withTypes } from './route/param-types.js';
import { MEMBER_ID, type Route, type RouteOptions } from './route/route.js';
import { callSite, RouteError, RouteTableError } from './route/route-error.js';
import { RouterApp } from './router-app.js';
import { checkedRouterOptions, type RouterOptions, type TypedRouterOptions } from './router-options.js';
import { RouterRoutes } from './router-routes.js';
import { guardsOf } from './serving/guard-filter.js';
import { type RouteWarning, readTemplate } from './template/template.js';

/** A route table with its controllers. Add routes, then `build()`; after that it is immutable. */
// biome-ignore lint/suspicious/noExplicitAny: the types of any router
export class Router<Own = any, const A extends Auth | undefined = any> extends RouterRoutes<Own, A> {
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

  /** Adds a resource: `resource('server', 'servers', { controller, collection: { detail: 'GET' } })`. */
  override resource<const O extends RouterResourceOptions>(
    memberName: string,
    collectionName: string,
    options?: O & SuitsResource<O, Own>,
  ): this;
  override resource(memberName: string, collectionName: string, options: RouterResourceOptions = {}): this {
    if (this.#options.compat !== 'routes' && typeof collectionName === 'string') {
      const isGood = this.guard(null, collectionName, callSite(), () => checkResource(options));
      if (!isGood) return this;
    }
    return super.resource(memberName, collectionName, options);
  }

  /** Adds a redirect to `to`, filled with the values captured from `from`: `redirect('/old/{id}', '/new/{id}')`. Default status 302. */
  override redirect(from: string, to: string, options: RouterRedirectOptions = {}): this {
    const check = (): void => checkOptionNames({ ...options }, REDIRECT_OPTIONS, new Set());
    if (this.#options.compat !== 'routes' && !this.guard(null, from, callSite(), check)) return this;
    return super.redirect(from, to, options as RedirectOptions);
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

  /** Compiles everything, and returns the App. Throws `PORTICO_ROUTE_TABLE` with all errors. Close the App after the last request. */
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
  get hasNames(): boolean {
    return this.#options.compat !== 'routes';
  }

  /** @internal */
  override addRoute(name: string | null, template: string | null, options: RouteOptions): void {
    this.#refuseLate();
    const { name: own, ...others } = options as RouteOptions & { readonly name?: string };
    if (!this.hasNames) super.addRoute(name, template, options);
    else if (own === undefined || name === null) super.addRoute(own ?? name, template, others);
    else this.guard(name, template, callSite(), () => refuseTwoNames(name, own));
  }

  /** @internal */
  protected override makeRoute(name: string | null, template: string | null, options: RouteOptions): Route {
    const strict = this.#options.compat !== 'routes';
    if (strict) checkConditions(options.conditions);
    const { settings, rest } = splitSettings(options, !strict);
    const typed = takeTypes(template, strict ? this.#types : new Map());
    const { template: bare, types, notices } = typed;
    const written = withTypes(this.#withController(rest, settings, bare), typed);
    const odd = notices.length === 0 ? written : { ...written, _notices: [...(written._notices ?? []), ...notices] };
    const route = super.makeRoute(name, bare, odd);
    if (strict) {
      checkOptionNames(options, ROUTE_OPTIONS, route.variables);
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
      formats: options.requirements?.format ?? this.#writtenFormats,
      refuse: (error) => this.refuse(error),
    });
  }

  /**
   * The suffixes of paths for which a resource has a response: a cache that stores by suffix must not take `/notes.css` for a style sheet.
   * Undefined where Routes decides.
   */
  get #writtenFormats(): string | undefined {
    const { compat, kind = 'routes', serializers = {} } = this.#options;
    if (compat === 'routes' || kind !== 'routes') return undefined;
    const names = Object.keys(serializers).map((type) => type.slice(type.lastIndexOf('/') + 1));
    return [...new Set(['json', ...names])].map(escapedPattern).join('|');
  }

  /** @internal */
  protected override redirectStatus(options: RedirectOptions, target: Route): number {
    const status = super.redirectStatus(options, target);
    checkRedirectStatus(status, options._redirectCode);
    return status;
  }

  /** @internal */
  protected override copied(route: Route, options: RouteOptions): RouteOptions {
    // They follow from the path.
    const { types: _types, written: _written, ...settings } = Router.#settings.get(route) ?? {};
    return this.#options.compat === 'routes' ? { ...options, ...settings } : copiedOptions(options, settings);
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
    const { path, auth } = openapi;
    this.get(path, { auth, hidden: true }, documentHandler(this, openapi, this.#options.linkPrefix));
  }

  /** @internal */
  mountOf(route: Route): App | undefined {
    return Router.#settings.get(route)?._mounted;
  }

  /** @internal */
  guardsOf(route: Route | undefined): readonly Filter[] {
    return guardsOf((route && Router.#settings.get(route))?.auth ?? this.#options.auth, () => this.#app!);
  }

  /** @internal */
  deadlineOf(route: Route): number | undefined {
    return Router.#settings.get(route)?.deadline;
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
  get documented(): Pick<
    RouterOptions,
    'versions' | 'openapi' | 'faultStyle' | 'invalidInputStatus' | 'docs' | 'bodyLimit'
  > {
    return this.#options;
  }

  /** Its operations, in the order in which routes are tried. @internal */
  get operations(): readonly Operation[] {
    return this.compile().ranked.flatMap((compiled) => this.operationOf(compiled) ?? []);
  }

  /** Returns the operation of a route; undefined for mounts, and for controllers that the path names. @internal */
  operationOf(compiled: CompiledRoute): Operation | undefined {
    const { route } = compiled;
    const { action: ofRoute, auth, bodyLimit } = Router.#settings.get(route) ?? {};
    const docs = joinedDocs([this.#options.docs, ofRoute]);
    const redirect = this.redirectOf(route);
    if (redirect !== undefined) {
      const { status, target } = redirect;
      const summary = `Redirects to ${target.template}`;
      const controller = `redirect to ${target.template}`;
      const filters = this.guardsOf(route);
      return operationOf(compiled, {
        controller,
        action: HANDLER_ACTION,
        options: [{ status }],
        filters,
        docs: { summary, ...docs },
      });
    }
    const [controller, action] = [route.defaults.get('controller'), route.defaults.get('action')];
    const isNamed = typeof controller === 'string' && typeof action === 'string' && this.#controllers.has(controller);
    if (!isNamed || this.mountOf(route) !== undefined) return undefined;
    const written = this.#controllers.resource(controller).optionsOf(action);
    const limited = bodyLimit === undefined ? {} : { bodyLimit };
    return operationOf(compiled, {
      controller,
      action,
      options: written.map((options) => ({ ...limited, ...ofRoute, ...options })),
      filters: [...this.filtersOf(route), ...guardsOf(written.at(-1)?.auth ?? auth ?? this.#options.auth)],
      docs,
    });
  }

  #refuseLate(): void {
    if (!this.#built) return;
    throw new RouteError('PORTICO_ROUTE_BUILT', {
      message: 'the router is built: its routes can no longer change',
      hint: 'To change routes, build another Router and swap the apps.',
    });
  }
}

// Extensions of a router's resource over Routes: paths with braces, and requirements without effect.

/** Returns a path of a resource with braces, as paths are displayed everywhere; `member`: the variable of a member. */
function inBraces(template: string, member: string): string {
  return template.replace(/:\(id\)(?=$|[/.])/, member).replace(/:\((\w+)\)/g, '{$1}');
}

/** Returns requirements that no path of a resource uses: Python's Routes gives its members a fixed one. */
function ineffectiveRequirements(collectionName: string, options: RouterResourceOptions): RouteWarning[] {
  const { requirements = {}, pathPrefix, parentResource: parent } = options;
  const before = pathPrefix ?? (parent ? `{${parent.memberName}_id}` : '');
  const asked = new Set(
    readTemplate(before, {}, false).parts.map((part) => (typeof part === 'string' ? '' : part.name)),
  );
  const idle = Object.entries(requirements).filter(([name]) => name !== 'format' && !asked.has(name));
  return idle.map(([name, regex]) => ({
    code: 'PORTICO_ROUTE_IDLE_REQUIREMENT',
    message: `the requirement of "${name}" has no effect on the resource "${collectionName}"`,
    hint:
      name === 'id'
        ? `Write id: ${JSON.stringify(isInteger(regex) ? 'int' : regex)}.`
        : `Its paths have: ${[...asked].filter(Boolean).join(', ') || 'only id'}.`,
  }));
}

function isInteger(regex: string): boolean {
  return /^(?:\\d|\[0-9\])[+*]$/.test(regex);
}

function escapedPattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}

/** Rules of a router for its resources. */
interface ResourceRules {
  readonly isType: (id: string) => boolean;
  /** Expression for the suffixes of paths. */
  readonly formats: string | undefined;
  readonly refuse: (error: PorticoError) => void;
}

/** Returns the routes of a resource in a router: filtered by `only` and `except`, with the options applied. */
function resourceForm(
  expanded: readonly ExpandedRoute[],
  collectionName: string,
  options: RouterResourceOptions,
  { isType, formats, refuse }: ResourceRules,
): readonly ExpandedRoute[] {
  const actions = new Set(expanded.map(({ options: { action } }) => String(action)));
  for (const name of [...(options.only ?? []), ...(options.except ?? [])]) {
    if (actions.has(name)) continue;
    refuse(
      new RouteError('PORTICO_ROUTE_UNKNOWN_ACTION', {
        message: `the resource "${collectionName}" has no action "${name}"`,
        hint: nearestOrAll(name, actions, 'It has'),
      }),
    );
  }
  const { auth, docs } = options;
  const kept = expanded.filter(({ formatted, options: { action } }) => {
    if (formatted && options.formatted === false) return false;
    return (options.only?.includes(String(action)) ?? true) && !options.except?.includes(String(action));
  });
  const notices = ineffectiveRequirements(collectionName, options);
  const { id } = options;
  const isTyped = id !== undefined && isType(id);
  const requirementsOf = ({ formatted, options: { requirements } }: ExpandedRoute): object => {
    const member = id !== undefined && requirements?.id === MEMBER_ID ? { id } : undefined;
    if (!formatted || formats === undefined) return member === undefined ? {} : { requirements: member };
    return { requirements: { ...requirements, ...member, format: formats } };
  };
  return kept.map((route, at) => ({
    ...route,
    template: inBraces(route.template, isTyped ? `{id:${id}}` : '{id}'),
    options: {
      ...route.options,
      ...requirementsOf(route),
      ...(auth !== undefined && { auth }),
      ...docs,
      ...(at === kept.length - 1 && { _notices: notices }),
    },
  }));
}
