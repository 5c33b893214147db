/** The route table in the form of its definition: `connect`, `resource`, `redirect`, submappers, exactly as in Python's Routes. */

import type { Origin, PorticoError } from '../../errors/index.js';
import type { Found } from '../matching/compiled-route.js';
import { RouteTable } from '../matching/route-table.js';
import type { Match, MatchRequest, SubDomainOptions } from '../route/conditions.js';
import { type Requirements, Route, type RouteOptions } from '../route/route.js';
import { type CallSite, callSite, definitionError, RouteError } from '../route/route-error.js';
import { translateRegex } from '../template/python-regex.js';
import { requirementOf } from '../template/template.js';
import { namedValues } from '../urls/generator.js';
import { UrlBuilder, type UrlContext, type UrlValues } from '../urls/url-builder.js';
import { checkNames, type ExpandedRoute, expandResource, type ResourceOptions } from './resource-routes.js';
import { SubMapperParent } from './submapper.js';

/** Options of a mapper, with Routes' names and defaults, except `explicit`, which has the value that every service sets. */
export interface MapperOptions {
  /** `api` limits `format` to known ones; `plain` and `project` are nova's. Default `routes`. */
  readonly kind?: 'routes' | 'api' | 'plain' | 'project' | undefined;
  /** Trailing variables with defaults may be omitted. Default false. */
  readonly minimization?: boolean | undefined;
  /** False gives every route a controller and an action. Default true. */
  readonly explicit?: boolean | undefined;
  /** Values of a variable named `controller`. Default: none. */
  readonly controllers?: readonly string[] | undefined;
  /** Generated paths end in a slash. Default false. */
  readonly appendSlash?: boolean | undefined;
  /** Add `sub_domain` to matches. Default false. */
  readonly subDomains?: boolean | undefined;
  /** Labels that do not count as a `sub_domain`, such as `www`. Default: none. */
  readonly subDomainsIgnore?: readonly string[] | undefined;
  /** Regular expression of the domain. Default: two labels. */
  readonly domainMatch?: string | undefined;
  /** Regular expression that paths must begin with; it is removed before matching. Default: none. */
  readonly prefix?: string | null | undefined;
  /** A name selects its route, rather than only its defaults. Default true. */
  readonly hardcodeNames?: boolean | undefined;
  /** For `project`: default `[0-9a-f-]+`. */
  readonly projectIdRegex?: string | undefined;
  /** For all kinds but `routes`: default `json|xml`. */
  readonly formatRegex?: string | undefined;
}

/** Options of a redirect: those of a route, and its status. */
export type RedirectOptions = RouteOptions & {
  /** Status: 301, 302, 303, 307 or 308, or with its reason in Routes' form: `301 Moved Permanently`. Default 302. */
  readonly _redirectCode?: string | number;
};

/** Target and status of a redirect. */
export interface Redirect {
  readonly target: Route;
  readonly status: number;
}

/** A route table that also generates URLs. */
export class Mapper extends SubMapperParent {
  readonly #options: MapperOptions;
  readonly #routes: Route[] = [];
  readonly #names = new Map<string, Route>();
  readonly #redirects = new Map<Route, Redirect>();
  readonly #places = new WeakMap<Route, CallSite>();
  #table: RouteTable | undefined;
  #builder: UrlBuilder | undefined;
  /** The prefix with the rest of the path: `first` at its beginning, `each` anywhere. */
  #prefixes: { readonly first: RegExp; readonly each: RegExp } | undefined;

  constructor(options: MapperOptions = {}) {
    super();
    this.#options = options;
  }

  /** Routes that can match, in the order of definition. Static routes, which only generate, are not included. */
  get routes(): readonly Route[] {
    return this.#routes;
  }

  /** Routes by name; the last one of a repeated name. */
  get names(): ReadonlyMap<string, Route> {
    return this.#names;
  }

  /** Adds a route. `connect(name, template, options)`, or without a name. */
  connect(template: string, options?: RouteOptions): this;
  connect(name: string | null, template: string, options?: RouteOptions): this;
  connect(first: string | null, second: string | RouteOptions = {}, third: RouteOptions = {}): this {
    if (typeof second === 'string') this.addRoute(first, second, third);
    else this.addRoute(null, first, second);
    return this;
  }

  /** @internal */
  addRoute(name: string | null, template: string | null, options: RouteOptions): void {
    const place = callSite();
    this.guard(name, template, place, () => {
      const route = this.makeRoute(name, template, options);
      this.#places.set(route, place);
      if (!route.isStatic) this.#routes.push(route);
      if (name) this.#names.set(name, route);
      this.changed();
    });
  }

  /** Adds a resource: the usual routes of a collection and its members, each also with a format. */
  resource(memberName: string, collectionName: string, options: ResourceOptions = {}): this {
    const isNamed = this.guard(String(memberName), null, callSite(), () =>
      checkNames(memberName, collectionName, options.parentResource ?? null),
    );
    if (!isNamed) return this;
    for (const adapted of this.#resourceOptions(options)) {
      for (const { name, template, options: routeOptions } of this.expand(memberName, collectionName, adapted)) {
        this.addRoute(name, template, routeOptions);
      }
    }
    return this;
  }

  /** Adds a redirect to `to`, filled with the values captured from `from`. Default status 302. */
  redirect(from: string, to: string, options: RedirectOptions = {}): this {
    const { _redirectCode, _filter: filter, ...matching } = options;
    const { _encoding, _explicit, _minimize } = options;
    const count = this.#routes.length;
    this.addRoute(null, from, matching);
    const route = this.#routes[count];
    if (route === undefined) return this;
    const isGood = this.guard(null, to, callSite(), () => {
      const shared = { _encoding, _explicit, _minimize, _filter: filter, _static: true };
      const target = this.makeRoute(null, to, shared);
      this.#redirects.set(route, { target, status: this.redirectStatus(options, target) });
    });
    // A refused redirect must not stay as a route: it would lack a controller.
    if (!isGood) this.#routes.pop();
    return this;
  }

  /** For `project` mappers: adds one route without a name, below the project id and without it. */
  createRoute(path: string, method: string, controller: unknown, action: string): this {
    const options = { controller, action, conditions: { method: [method] } };
    this.addRoute(null, `/${this.#projectToken}${path}`, { ...options });
    this.addRoute(null, path, options);
    return this;
  }

  /** Adds copies of routes, with a prefix before their paths. */
  extend(routes: Iterable<Route>, pathPrefix = ''): this {
    for (const route of routes) {
      const joint = pathPrefix !== '' && route.minimize ? '/' : '';
      const { _explicit, _minimize, _static, _filter, _absolute, _encoding, ...options } = route.options;
      const copied = { ...this.copied(route, options), conditions: route.conditions };
      this.addRoute(route.name, pathPrefix + joint + route.template, copied);
    }
    return this;
  }

  /** Returns the options of a route's copy, from its own. @internal */
  protected copied(_route: Route, options: RouteOptions): RouteOptions {
    return options;
  }

  /** Returns the redirect of a route; undefined for all others. */
  redirectOf(route: Route): Redirect | undefined {
    return this.#redirects.get(route);
  }

  /** Returns the location of a route's definition. @internal */
  originOf(route: Route): Origin | undefined {
    return this.#places.get(route)?.();
  }

  /** Returns the match of the first route for the path; null if there is none. A bare path matches every method. */
  match(path: string, request: MatchRequest | null = null): Match | null {
    return this.routeMatch(path, request)?.match ?? null;
  }

  /** As {@link match}, with the route. */
  routeMatch(path: string, request: MatchRequest | null = null): Found | null {
    const rest = this.withoutPrefix(path);
    return rest === null ? null : this.compile().find(request?.method ?? null, rest, request);
  }

  /** Start of its paths; empty without a prefix. */
  get prefix(): string {
    return this.#options.prefix ?? '';
  }

  /** Returns the path after the mapper's prefix; null if it does not begin with it. @internal */
  withoutPrefix(path: string): string | null {
    const { prefix } = this.#options;
    if (!prefix) return path;
    this.#prefixes ??= prefixExpressions(prefix);
    const { first, each } = this.#prefixes;
    first.lastIndex = 0;
    const found = first.exec(path);
    if (found === null) return null;
    // Nearly always it matches the whole path: only a line break ends it.
    return (first.lastIndex === path.length ? found[1] : path.replace(each, '$1')) || '/';
  }

  /** Returns a URL from values, by the route that fits them best; null if there is none. */
  generate(values: UrlValues, scriptName = ''): string | null {
    return this.urls.generate(values, scriptName);
  }

  /** URL builder by name. */
  get urls(): UrlBuilder {
    const { hardcodeNames = true, explicit = true, appendSlash = false } = this.#options;
    this.#builder ??= new UrlBuilder({
      routes: this.#routes,
      names: this.#names,
      prefix: this.prefix,
      named: namedValues(this.#routes),
      hardcodeNames,
      explicit,
      appendSlash,
      ...this.#subDomainOptions,
    });
    return this.#builder;
  }

  /** Returns the location of a redirect. Throws a `GenerationError` if the match lacks a variable of the target. */
  redirectLocation(redirect: Redirect, match: Match, context: UrlContext): string {
    return this.urls.ofRoute(redirect.target, match, context);
  }

  /** Compiles the table; otherwise done at the first match. */
  compile(): RouteTable {
    this.#table ??= new RouteTable(this.#routes, {
      controllers: this.#options.controllers ?? [],
      ...this.#subDomainOptions,
      refuse: (route, error) => this.refuse(definitionError(error, route.template, this.originOf(route))),
    });
    return this.#table;
  }

  /** Returns the routes of a resource. @internal */
  protected expand(memberName: string, collectionName: string, options: ResourceOptions): readonly ExpandedRoute[] {
    return expandResource(memberName, collectionName, options);
  }

  /** Creates a route for this kind of mapper. @internal */
  protected makeRoute(name: string | null, template: string | null, options: RouteOptions): Route {
    if (typeof template !== 'string') {
      throw new RouteError('PORTICO_ROUTE_NO_TEMPLATE', {
        message: `the route ${name === null ? '' : `"${name}" `}has no path`,
        hint: 'connect(path, options) or connect(name, path, options); with only a name, a submapper needs a pathPrefix.',
      });
    }
    const { explicit = true, minimization = false } = this.#options;
    return new Route(name, template, {
      ...this.#withFormat(options),
      _explicit: options._explicit ?? explicit,
      _minimize: options._minimize ?? minimization,
    });
  }

  /** Returns the status of a redirect: the number at the start of its code. @internal */
  protected redirectStatus({ _redirectCode: code = 302 }: RedirectOptions, _target: Route): number {
    return Number.parseInt(String(code), 10);
  }

  /** Runs a definition; its errors are reported with template and location. Returns false for an error. @internal */
  protected guard(name: string | null, template: string | null, place: CallSite, define: () => void): boolean {
    try {
      define();
      return true;
    } catch (error) {
      this.refuse(definitionError(error as Error, template ?? name ?? '', place()));
      return false;
    }
  }

  /** Throws an error in the table. @internal */
  protected refuse(error: PorticoError): void {
    throw error;
  }

  /** Discards everything compiled from the table. @internal */
  protected changed(): void {
    this.#table = undefined;
    this.#builder = undefined;
  }

  get #subDomainOptions(): SubDomainOptions {
    const { subDomains = false, subDomainsIgnore = [], domainMatch = TWO_LABELS } = this.#options;
    return { subDomains, subDomainsIgnore, domainMatch };
  }

  get #projectToken(): string {
    return `{project_id:${this.#options.projectIdRegex ?? '[0-9a-f-]+'}}`;
  }

  /** All kinds except `routes` limit `format`, in the requirements object that was passed in. */
  #withFormat(options: RouteOptions): RouteOptions {
    if ((this.#options.kind ?? 'routes') === 'routes') return options;
    const requirements: Requirements = options.requirements ?? {};
    if (!requirementOf(requirements, 'format')) requirements.format = this.#options.formatRegex ?? 'json|xml';
    return { ...options, requirements };
  }

  /** Returns the expansions of a resource with their prefixes: `project` has one with and one without the project id. */
  #resourceOptions(options: ResourceOptions): ResourceOptions[] {
    const { kind = 'routes' } = this.#options;
    const { parentResource: parent } = options;
    const parentPath = parent ? `${parent.collectionName}/:${parent.memberName}_id` : undefined;
    if (kind === 'plain' && parentPath !== undefined) return [{ ...options, pathPrefix: parentPath }];
    if (kind !== 'project') return [options];
    return [
      { ...options, pathPrefix: `${this.#projectToken}/${parentPath ?? ''}` },
      { ...options, pathPrefix: parentPath },
    ];
  }
}

const TWO_LABELS = '[^\\.\\/]+?\\.[^\\.\\/]+';

function prefixExpressions(prefix: string): { readonly first: RegExp; readonly each: RegExp } {
  const { source } = translateRegex(`${prefix}(.*)`);
  return { first: new RegExp(source, 'vy'), each: new RegExp(source, 'gv') };
}
