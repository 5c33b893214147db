/**
 * A router's table as an App: match, then filters, then the engine that runs the action and responds.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type App, compose, environ, Fault, type MatchedRoute, quoteClient } from '../app/index.js';
import {
  answerFailure,
  askRouteListeners,
  type CacheControl,
  catching,
  type Exchange,
  exchangeOf,
  type FailureOptions,
  faultFormOf,
  LONGEST_URL,
  missed,
  overriddenMethod,
  targetOf,
  unavailable,
} from '../app/internal.js';
import { nearestOrAll } from '../errors/index.js';
import type { LogFields, Logger } from '../log/index.js';
import type { Args, RequestRouter } from './actions/action-request.js';
import { type ApiVersion, rangeText } from './api-version.js';
import type { PluginRoute } from './built-router.js';
import { faultsBy } from './fault-mapping.js';
import type { Mapper, Redirect } from './mapper/mapper.js';
import type { Found } from './matching/compiled-route.js';
import type { RouteTable } from './matching/route-table.js';
import type { MatchRequest } from './route/conditions.js';
import { GenerationError } from './route/route-error.js';
import { ActionCall, CALL, type Called, callOf, type Fail } from './serving/action-call.js';
import type { ActionEngine } from './serving/action-engine.js';
import { buildServed } from './serving/build-table.js';
import { checkTable } from './serving/check-table.js';
import { DirectActions } from './serving/direct-actions.js';
import { RouterFastify } from './serving/router-fastify.js';
import {
  type ActionTarget,
  methodFor,
  type RouterParts,
  type ServedAction,
  type ServedMount,
  type ServedRedirect,
  type ServedRoute,
  targetKey,
} from './serving/served-route.js';
import { asTried, endAs, noteRoute, probed } from './serving/tried-route.js';
import { absoluteUrl, type UrlContext, type UrlValues } from './urls/url-builder.js';
import { VersionNegotiation } from './version-negotiation.js';

/** App of a built router. */
export class RouterApp implements RequestRouter {
  readonly #parts: RouterParts;
  readonly #engine: ActionEngine;
  readonly #served: readonly ServedRoute[];
  readonly #versions: VersionNegotiation | null;
  readonly #failures: FailureOptions;
  readonly #likeRoutes: boolean;
  /** True if a route depends on more than path and method. */
  readonly #asksRequest: boolean;
  /** True if its paths begin with a prefix of the table. */
  readonly #hasPrefix: boolean;
  /** The path that a request to the mount of the Router matches: `/`, unless a route has the empty path. */
  readonly #emptyPath: '' | '/';
  readonly #checksProject: boolean;
  readonly #cacheControl: CacheControl | undefined;
  /** True if there are other response types than JSON. */
  readonly #negotiates: boolean;
  readonly #notFound = notFound();

  /** Compiles controllers and schemas. Errors in the table are reported through `parts`. */
  constructor(parts: RouterParts) {
    const { options } = parts;
    this.#parts = parts;
    this.#failures = {
      log: parts.log,
      style: options.faultStyle,
      message: 'an action failed',
      facts: factsOf,
      faultOf: faultsBy(options.faults),
    };
    this.#likeRoutes = options.compat === 'routes';
    this.#versions = options.versions === undefined ? null : new VersionNegotiation(options.versions);
    const needsFastify = (options.plugins ?? []).length > 0 || options.fastify !== undefined;
    this.#engine = needsFastify ? new RouterFastify(parts, this.fail) : new DirectActions(parts, this.fail);
    this.#served = buildServed(parts, this.#engine, this.#run);
    checkTable(parts);
    this.#checksProject = options.projectCheck ?? options.kind === 'project';
    this.#cacheControl = options.cacheControl;
    this.#hasPrefix = parts.mapper.prefix !== '';
    this.#emptyPath = parts.table.find(null, '', null) === null ? '/' : '';
    this.#negotiates = options.serializers !== undefined;
    this.#asksRequest = options.subDomains === true || parts.table.routes.some(({ conditional }) => conditional);
  }

  get pluginRoutes(): readonly PluginRoute[] {
    return this.#engine.own?.routes ?? [];
  }

  /** Prepares the actions; the result releases them. */
  start(): Promise<() => Promise<void>> {
    return this.#engine.start(this.#served.filter((served) => served.kind === 'action'));
  }

  readonly handle: App = (req, res) => {
    try {
      const exchange = exchangeOf(req);
      if (this.#cacheControl !== undefined) exchange.cacheControl = this.#cacheControl;
      const version = this.#versions === null ? null : this.#negotiated(this.#versions, exchange, res);
      if (version !== null) exchange.apiVersion = version.text;
      const path = this.#pathOf(exchange);
      const method = this.#methodOf(exchange);
      const found = path === null ? null : this.#find(exchange, method, path);
      if (found === null) return this.#miss(exchange, res, path);
      let served = this.#served[found.compiled.index]!;
      if (exchange.trial !== undefined) {
        noteRoute(exchange.trial, exchange, { router: this.#parts.mapper, found, path, allowed: [] });
        served = asTried(served, exchange.trial);
      }
      const { matched } = served;
      const { mountTemplate: mount, requestTrace: trace } = exchange;
      let route = served.below.get(mount);
      if (route === undefined) {
        route = { ...matched, template: mount + matched.template };
        served.below.set(mount, route);
      }
      exchange.route = route;
      if (trace !== undefined) trace.routed(route.template);
      exchange.routeParams = served.params.hasFallbacks ? served.params.texts(found) : found.captured;
      if (exchange.shownParams !== undefined) exchange.shownParams = undefined;
      let result: unknown;
      // A mount's app may be a Router, which knows more.
      if (served.kind === 'mount') result = callMounted(served, exchange, res, found.match.path_info);
      else {
        exchange.routeFound = matched;
        const asked = exchange.routeListeners === undefined ? undefined : askRouteListeners(exchange, matched, method);
        result =
          asked === undefined
            ? this.#serve(exchange, res, served, found, version)
            : asked.then((goOn) => (goOn ? this.#serve(exchange, res, served, found, version) : undefined));
      }
      if (result instanceof Promise) return result.catch((error: unknown) => this.fail(req, res, error));
      return undefined;
    } catch (error) {
      return this.fail(req, res, error);
    }
  };

  #negotiated(versions: VersionNegotiation, exchange: Exchange, res: ServerResponse): ApiVersion {
    const asked = exchange.trial?.version ?? versions.asked(exchange.req.headers);
    if (asked !== undefined) exchange.askedVersion = asked;
    return versions.negotiate(asked, res);
  }

  logOf(route: MatchedRoute): Logger {
    return this.#engine.logs.get(route) ?? this.#parts.log;
  }

  urlFor(req: IncomingMessage, name: string | null, values: UrlValues): string {
    const base = absoluteUrl(req, this.#parts.options.linkPrefix);
    if (name === null) return base.prefix + base.scriptName + (req.url ?? '/').split('?', 1)[0]!;
    const { names, urls } = this.#parts.mapper;
    // Routes uses such a text as a URL: with a host it is a misspelt name.
    if (!name.startsWith('/') && !names.has(name)) {
      throw new GenerationError({
        message: `no route is called "${name}"`,
        hint: nearestOrAll(name, names.keys(), 'Routes'),
      });
    }
    const url = urls.url(name, values, base);
    // For an external route, or with a host or protocol among the values.
    return /^[a-z][a-z\d+.-]*:\/\//i.test(url) ? url : base.prefix + url;
  }

  readonly lacksVersion = ({ text }: ApiVersion): Fault => this.#versions!.refusal('missing', text);

  /** Returns the path to match; null if it is not below the prefix of the table. */
  #pathOf(exchange: Exchange): string | null {
    const { mapper, options } = this.#parts;
    const { targetPath: raw, targetText: text } = targetOf(exchange);
    // Portico's server has `max_url_length`.
    if (raw.length > LONGEST_URL && exchange.serverState === undefined) throw new Fault(414);
    if (options.strictPaths === true) refuseOddPath(raw);
    const path = text === '' ? this.#emptyPath : text;
    return raw === '*' || !this.#hasPrefix ? path : mapper.withoutPrefix(path);
  }

  /** Returns the method to match. */
  #methodOf({ req: { method = 'GET' }, targetQuery: query }: Exchange): string {
    if (this.#parts.options.useMethodOverride !== true || query === '') return method;
    return overriddenMethod({ method, query: query.slice(1) });
  }

  #find({ req }: Exchange, method: string, path: string): Found | null {
    const { table } = this.#parts;
    const request = this.#asksRequest ? matchRequest(req, method) : null;
    const found = table.find(method, path, request);
    if (method !== 'HEAD' || this.#likeRoutes || namesMethods(found)) return found;
    const get = table.find('GET', path, request === null ? null : { ...request, method: 'GET' });
    const isGet = found === null || (get !== null && get.compiled.rank < found.compiled.rank);
    return isGet ? get : found;
  }

  /** Responds to a request without a route: 404, 405 with `Allow`, or OPTIONS. */
  #miss(exchange: Exchange, res: ServerResponse, path: string | null): void | Promise<void> {
    const { req, trial } = exchange;
    const allowed = this.#allowed(req, path);
    const { own } = this.#engine;
    const passesOn = own?.serve === true && !(allowed.length > 0 && isPlainOptions(req));
    if (trial !== undefined) {
      const plugin = passesOn ? own.answerTo(req, allowed.length > 0) : null;
      noteRoute(trial, exchange, { router: this.#parts.mapper, found: null, path, allowed, ...(plugin && { plugin }) });
      if (plugin !== null)
        return compose(probed(this.#parts.mapper.guardsOf(undefined)), endAs('plugin', 'a plugin'))(req, res);
    }
    if (!passesOn || trial !== undefined) this.#answerMiss(req, res, allowed);
    else own.take(req, res, { known: allowed.length > 0, answer: () => this.#answerMiss(req, res, allowed) });
    return undefined;
  }

  #answerMiss(req: IncomingMessage, res: ServerResponse, allowed: readonly string[]): void {
    if (req.method === 'OPTIONS' && allowed.includes('OPTIONS')) answerOptions(res, allowed);
    else if (allowed.length > 0) {
      this.fail(req, res, wrongMethod(req, allowed));
    } else {
      // Shared, if no renderer of the application can write on it: a separate one costs more than the route lookup.
      const { style = faultFormOf(req).style } = this.#failures;
      this.fail(req, res, typeof style === 'function' ? notFound() : this.#notFound);
    }
  }

  /** Returns the methods that have a route; empty if the router does not respond with them. */
  #allowed(req: IncomingMessage, path: string | null): string[] {
    if (path === null || this.#likeRoutes) return [];
    const { table, options } = this.#parts;
    return allowedMethods(
      table,
      path,
      this.#asksRequest ? matchRequest(req, '') : null,
      options.answersOptions ?? true,
    );
  }

  #serve(
    exchange: Exchange,
    res: ServerResponse,
    served: ServedAction | ServedRedirect,
    found: Found,
    version: ApiVersion | null,
  ): void | Promise<void> {
    const { req, routeParams: texts } = exchange;
    if (served.kind === 'redirect') {
      const { guards, redirect } = served;
      const answer: App = () => answerRedirect(res, this.#parts.mapper, redirect, found, absoluteUrl(req, undefined));
      return compose(guards, answer)(req, res);
    }
    const target = served.target ?? namedTarget(served, found);
    const { byKey, methods } = target;
    const method = byKey !== null ? undefined : version === null ? methods[0] : methodFor(methods, version);
    const entry = byKey ?? method;
    if (entry === undefined) {
      exchange.trial?.note(
        `version ${version!.text} has no action, only ${methods.map(({ range }) => rangeText(range)).join(', ')}`,
      );
      throw this.lacksVersion(version!);
    }
    const { params: reader } = served;
    const params = reader.hasTypes ? reader.typed(texts!) : texts!;
    let args: Args = reader.hasOwnArgs ? reader.args(found, params) : params;
    if (this.#checksProject && Object.hasOwn(args, 'project_id')) args = withoutProject(req, args);
    const format = this.#negotiates ? reader.format(found) : null;
    const slot = exchange.copyOf ?? exchange;
    const call = new ActionCall(req, res, served.matched, params, version, this, target, entry, args, format, slot);
    if (served.settings.deadline !== undefined) this.#startDeadline(call, served.settings.deadline);
    if (entry.app === this.#run) return this.#engine.take(call, req, res);
    // The app finds it by its request.
    (req as Called)[CALL] = call;
    return entry.app(req, res);
  }

  /** Runs an action after its filters. */
  readonly #run: App = (req, res) => this.#engine.take(callOf(req)!, req, res);

  /** After `ms` milliseconds aborts the signal and, unless a response has begun, responds with 503. */
  #startDeadline(call: ActionCall, ms: number): void {
    const { req, response: res } = call;
    const timer = setTimeout(() => {
      const fault = unavailable('The request took too long.');
      call.abort(fault);
      if (!res.headersSent) this.fail(req, res, fault);
    }, ms);
    res.once('close', () => clearTimeout(timer));
  }

  /** Responds to failures. */
  readonly fail: Fail = (req, res, error) => answerFailure(error, req, res, this.#failures);
}

/** Checks that the project in the path is the caller's, and removes it from the action's arguments. */
function withoutProject(req: IncomingMessage, args: Args): Args {
  const { project_id: project, ...rest } = args;
  const context = environ(req).context;
  if (context !== undefined && project !== null && context.projectId !== project) {
    throw new Fault(400, {
      message: 'Malformed request URL: the project in the path differs from the project of the request.',
    });
  }
  return rest;
}

/** Returns the log fields of a request. */
function factsOf(req: IncomingMessage): LogFields {
  const { requestId, route } = environ(req);
  return { method: req.method, route: route?.template, request_id: requestId };
}

/** Returns the action that the path names, if controller or action are variables of it. */
function namedTarget({ named }: ServedAction, { match: { controller, action } }: Found): ActionTarget {
  const target = named.get(targetKey(controller, action));
  if (target === undefined) throw notFound();
  return target;
}

/**
 * Reports whether a request asks for the methods of a path; with this field it is a preflight (Fetch standard §3.2.2), to which a plugin
 * may respond.
 */
function isPlainOptions({ method, headers }: IncomingMessage): boolean {
  return method === 'OPTIONS' && headers['access-control-request-method'] === undefined;
}

function notFound(): Fault {
  return missed(404, { message: 'The resource could not be found.', kind: 'route' });
}

/** A route for every method, such as a mount, does not take precedence over a GET route that would match without it. */
function namesMethods(found: Found | null): boolean {
  return found?.compiled.route.conditions?.method !== undefined;
}

// A request as matching sees it.

/** Returns the parts of a request that conditions of routes use, with the method to match. */
function matchRequest(req: IncomingMessage, method: string): MatchRequest {
  return { method, host: req.headers.host, headers: req.headers, req };
}

/** Throws a `Fault` 400 for a path that another server may read in another way. */
function refuseOddPath(raw: string): void {
  if (!/%2f|%00|\0|%(?![0-9a-f]{2})/i.test(raw)) return;
  throw new Fault(400, { message: 'The path has an encoded slash, a NUL or a malformed escape.' });
}

// A router's responses without an action: redirects, and the methods of a path in `Allow`, for OPTIONS and 405 (RFC 9110 §9.3.7, §15.5.6).

/** Returns the methods of a path, sorted: those of its routes, HEAD with GET, and OPTIONS if the router responds to it. Empty without a route. */
function allowedMethods(
  table: RouteTable,
  path: string,
  request: MatchRequest | null,
  answersOptions: boolean,
): string[] {
  const any = path === '*';
  // One lookup for all methods, if nothing else decides: most misses are misses for each of them.
  if (!any && request === null && table.find(null, path, null) === null) return [];
  const methods = new Set<string>();
  for (const method of table.methods) {
    const takes = any
      ? table.routes.some(({ route }) => route.conditions?.method?.includes(method) ?? true)
      : table.find(method, path, request === null ? null : { ...request, method }) !== null;
    if (takes) methods.add(method);
  }
  if (methods.size === 0) return [];
  if (methods.has('GET')) methods.add('HEAD');
  if (answersOptions) methods.add('OPTIONS');
  return [...methods].sort();
}

/** Returns the fault 405 of a path that has other methods. */
function wrongMethod({ method = '' }: IncomingMessage, allowed: readonly string[]): Fault {
  return missed(405, {
    message: `The method ${quoteClient(method)} is not allowed here.`,
    kind: 'method',
    data: { allowed },
    headers: { Allow: allowed.join(', ') },
  });
}

/** 204 with `Allow`. */
function answerOptions(res: ServerResponse, allowed: readonly string[]): undefined {
  res.statusCode = 204;
  res.setHeader('Allow', allowed.join(', '));
  res.end();
}

/** Redirects to the target filled with the match. Throws a `Fault` 500 if it lacks a variable of the target. */
function answerRedirect(
  res: ServerResponse,
  mapper: Mapper,
  redirect: Redirect,
  found: Found,
  context: UrlContext,
): void {
  res.setHeader('Location', safeLocation(locationOf(mapper, redirect, found, context)));
  res.setHeader('Content-Type', 'text/plain; charset=utf8');
  res.setHeader('Content-Length', 0);
  res.statusCode = redirect.status;
  res.end();
}

function locationOf(mapper: Mapper, redirect: Redirect, found: Found, context: UrlContext): string {
  try {
    return mapper.redirectLocation(redirect, found.match, context);
  } catch (cause) {
    if (!(cause instanceof GenerationError)) throw cause;
    throw new Fault(500, { safe: false, message: `redirect: ${cause.message}`, cause });
  }
}

/** Escapes control characters, which would end the header, or the log line. */
function safeLocation(location: string): string {
  return location.replace(/[\p{Cc} ]/gu, (character) => encodeURIComponent(character));
}

// An app at a route: moves the border between script name and path, and moves it back if the app fails.

/** Calls an app with the rest of the path; `pathInfo`: that rest, decoded, as matched by the route. */
function callMounted(
  served: ServedMount,
  exchange: Exchange,
  res: ServerResponse,
  pathInfo: unknown,
): void | Promise<void> {
  const { req, mountTemplate: mount, scriptName } = exchange;
  const url = req.url ?? '/';
  enterMount(req, pathInfo);
  exchange.mountTemplate += served.place;
  return catching(served.app, (error) => {
    req.url = url;
    exchange.scriptName = scriptName;
    exchange.mountTemplate = mount;
    throw error;
  })(req, res);
}

/** Moves the mount's part of the path to the script name. */
export function enterMount(req: IncomingMessage, pathInfo: unknown): void {
  const env = environ(req);
  const url = req.url ?? '/';
  const cut = cutAt(url, typeof pathInfo === 'string' ? pathInfo : null);
  env.scriptName += url.slice(0, cut.end);
  req.url = cut.rest;
}

/**
 * Returns the end of the consumed part of a raw URL. Every slash of the decoded path is a slash or a `%2F` of the raw one, so counting
 * those of the rest from the end finds the border.
 */
function cutAt(url: string, pathInfo: string | null): { readonly end: number; readonly rest: string } {
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  const query = mark < 0 ? '' : url.slice(mark);
  if (pathInfo === null) return { end: path.length, rest: `/${query}` };
  const slashes = [...path.matchAll(/\/|%2f/gi)];
  const border = slashes[slashes.length - pathInfo.split('/').length];
  if (border === undefined) return { end: path.length, rest: `/${query}` };
  return { end: border.index, rest: `/${path.slice(border.index + border[0].length)}${query}` };
}
