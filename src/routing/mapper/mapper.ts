/**
 * The route table as one writes it: `connect`, `resource`, `redirect`, submappers; exactly those of Python's Routes.
 */

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

/** Options of a mapper; all have Routes' names and defaults, `explicit` as every service sets it. */
export interface MapperOptions {
  /** `api` limits `format` to known ones; `plain` and `project` are nova's. Default `routes`. */
  readonly kind?: 'routes' | 'api' | 'plain' | 'project' | undefined;
  /** Trailing variables with defaults may be left out. Default false. */
  readonly minimization?: boolean | undefined;
  /** False gives every route a controller and an action. Default true. */
  readonly explicit?: boolean | undefined;
  /** Values of a variable called `controller`. Default: none. */
  readonly controllers?: readonly string[] | undefined;
  /** Generated paths end in a slash. Default false. */
  readonly appendSlash?: boolean | undefined;
  /** Whether matches have a `sub_domain`. Default false. */
  readonly subDomains?: boolean | undefined;
  /** Labels that count as no `sub_domain`, such as `www`. Default: none. */
  readonly subDomainsIgnore?: readonly string[] | undefined;
  /** A regular expression for the domain. Default two labels. */
  readonly domainMatch?: string | undefined;
  /** A regular expression that paths must begin with; it is removed before matching. Default none. */
  readonly prefix?: string | null | undefined;
  /** Whether a name means its route, or only its defaults. Default true. */
  readonly hardcodeNames?: boolean | undefined;
  /** For `project`: default `[0-9a-f-]+`. */
  readonly projectIdRegex?: string | undefined;
  /** For all kinds but `routes`: default `json|xml`. */
  readonly formatRegex?: string | undefined;
}

/** Options of a redirect: those of a route, and its status. */
export type RedirectOptions = RouteOptions & {
  /** Status: 301, 302, 303, 307 or 308, or with its reason as Routes writes it: `301 Moved Permanently`. Default 302. */
  readonly _redirectCode?: string | number;
};

/** A redirect: where to, and with which status. */
export interface Redirect {
  readonly target: Route;
  readonly status: number;
}

/** A route table, and URLs from it. */
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

  /** The routes that can match, in the order they were added. Static routes, which only generate, are not among them. */
  get routes(): readonly Route[] {
    return this.#routes;
  }

  /** Routes by name; of several with one name the last. */
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

  /** A resource: the usual routes of a collection and its members, each also with a format. */
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

  /** A route that answers with a redirect to `to`, made with what `from` captured. Default status 302. */
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
    // One that is refused is no route: it would lack a controller too.
    if (!isGood) this.#routes.pop();
    return this;
  }

  /** For `project` mappers: one route without a name, below the project id and without it. */
  createRoute(path: string, method: string, controller: unknown, action: string): this {
    const options = { controller, action, conditions: { method: [method] } };
    this.addRoute(null, `/${this.#projectToken}${path}`, { ...options });
    this.addRoute(null, path, options);
    return this;
  }

  /** Adds copies of routes, with a prefix in front of their paths. */
  extend(routes: Iterable<Route>, pathPrefix = ''): this {
    for (const route of routes) {
      const joint = pathPrefix !== '' && route.minimize ? '/' : '';
      const { _explicit, _minimize, _static, _filter, _absolute, _encoding, ...options } = route.options;
      const copied = { ...options, ...this.settingsOf(route), conditions: route.conditions };
      this.addRoute(route.name, pathPrefix + joint + route.template, copied);
    }
    return this;
  }

  /** Options of a copy of a route that are not among its own. `types` and `written` follow from the path. */
  protected settingsOf(_route: Route): RouteOptions {
    return {};
  }

  /** Redirect of a route; undefined for all others. */
  redirectOf(route: Route): Redirect | undefined {
    return this.#redirects.get(route);
  }

  /** Place where a route was added. */
  originOf(route: Route): Origin | undefined {
    return this.#places.get(route)?.();
  }

  /** The match of the first route that takes the path; null when none does. A bare path fits every method. */
  match(path: string, request: MatchRequest | null = null): Match | null {
    return this.routeMatch(path, request)?.match ?? null;
  }

  /** As {@link match}, with the route. */
  routeMatch(path: string, request: MatchRequest | null = null): Found | null {
    const rest = this.withoutPrefix(path);
    return rest === null ? null : this.compile().find(request?.method ?? null, rest, request);
  }

  /** Beginning of its paths; empty where it has no prefix. */
  get prefix(): string {
    return this.#options.prefix ?? '';
  }

  /** The path after the mapper's prefix; null when it does not begin with it. */
  withoutPrefix(path: string): string | null {
    const { prefix } = this.#options;
    if (!prefix) return path;
    this.#prefixes ??= prefixExpressions(prefix);
    const { first, each } = this.#prefixes;
    first.lastIndex = 0;
    const found = first.exec(path);
    if (found === null) return null;
    // Nearly always it takes the whole path: only a line break ends it.
    return (first.lastIndex === path.length ? found[1] : path.replace(each, '$1')) || '/';
  }

  /** A URL from values, of the route that fits them best; null when none does. */
  generate(values: UrlValues, scriptName = ''): string | null {
    return this.urls.generate(values, scriptName);
  }

  /** Builder of URLs by name. */
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

  /** Location of a redirect. Throws a `GenerationError` when the match lacks a variable of the target. */
  redirectLocation(redirect: Redirect, match: Match, context: UrlContext): string {
    return this.urls.ofRoute(redirect.target, match, context);
  }

  /** Compiles the table; done at the first match otherwise. */
  compile(): RouteTable {
    this.#table ??= new RouteTable(this.#routes, {
      controllers: this.#options.controllers ?? [],
      ...this.#subDomainOptions,
      refuse: (route, error) => this.refuse(definitionError(error, route.template, this.originOf(route))),
    });
    return this.#table;
  }

  /** Routes that a resource expands to. */
  protected expand(memberName: string, collectionName: string, options: ResourceOptions): readonly ExpandedRoute[] {
    return expandResource(memberName, collectionName, options);
  }

  /** Makes a route as this kind of mapper has it. */
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

  /** The status of a redirect: the number its code begins with. */
  protected redirectStatus({ _redirectCode: code = 302 }: RedirectOptions, _target: Route): number {
    return Number.parseInt(String(code), 10);
  }

  /** Runs a definition; what it throws is refused with template and place. False where it was. */
  protected guard(name: string | null, template: string | null, place: CallSite, define: () => void): boolean {
    try {
      define();
      return true;
    } catch (error) {
      this.refuse(definitionError(error as Error, template ?? name ?? '', place()));
      return false;
    }
  }

  /** Throws a mistake in the table. */
  protected refuse(error: PorticoError): void {
    throw error;
  }

  /** The table was changed: what was compiled from it is void. */
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

  /** All kinds but Routes' own limit `format`, in the requirements object that was passed in. */
  #withFormat(options: RouteOptions): RouteOptions {
    if ((this.#options.kind ?? 'routes') === 'routes') return options;
    const requirements: Requirements = options.requirements ?? {};
    if (!requirementOf(requirements, 'format')) requirements.format = this.#options.formatRegex ?? 'json|xml';
    return { ...options, requirements };
  }

  /** How often a resource is expanded, and with which prefix: `project` does it with and without the project id. */
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
