/**
 * Routes that plugins add to the router's Fastify instance: served after its table, with upgrades for their listeners.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ErrorObject } from 'ajv';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify';
import { type App, Fault, type FaultIssue, type Filter } from '../../app/index.js';
import {
  faultFormOf,
  handTo,
  isUpgraded,
  keepHeaders,
  type NotFoundHandlers,
  type NotFoundHooks,
  valueIssues,
  watchNotFound,
  watchPipe,
} from '../../app/internal.js';
import { type RouteFinder, routeFinder } from '../../text/index.js';
import { type PluginAnswer, type PluginRoute, warnOfTable } from '../built-router.js';
import { RouteError, RouteTableError } from '../route/route-error.js';
import { CALL, type Called, callOf, type Fail } from './action-call.js';
import { refuse } from './fastify-errors.js';
import type { RouterParts } from './served-route.js';

/** Marks a Fastify route in its `config` as an action of the table, reachable only through the table. */
export const ACTION: unique symbol = Symbol('portico.routing.action');

/** Marks the scope of the table's actions in the options of `register`. */
export const TABLE: unique symbol = Symbol('portico.routing.table');

/** Response to a request without a route of the table or a plugin. */
interface Miss {
  /** True if the path has other methods. */
  readonly known: boolean;
  answer(req: IncomingMessage, res: ServerResponse): void;
}

const MISS: unique symbol = Symbol('portico.routing.miss');

type Missed = Called & { [MISS]?: Miss | undefined };

/** Routes and upgrades of plugins beside the table. */
export class PluginRoutes {
  readonly routes: PluginRoute[] = [];
  /** True if requests without a route of the table are passed to plugins. Known when the router is built. */
  serve = false;
  readonly #fastify: FastifyInstance;
  readonly #fail: Fail;
  /** Refuses unauthorized callers; undefined if anyone may call. */
  readonly #guard: App | undefined;
  /** Requests whose guard has been asked. */
  readonly #wereAsked = new WeakSet<IncomingMessage>();
  readonly #notFound: NotFoundHandlers;
  /** Prefixes below which a not-found handler of a plugin responds. */
  #handled: readonly string[] = [];
  #find: RouteFinder<PluginRoute> | undefined;
  #complete = false;

  /** `guards`: the router's, which applies to routes of plugins too. */
  constructor(fastify: FastifyInstance, fail: Fail, guards: readonly Filter[]) {
    this.#fastify = fastify;
    this.#fail = fail;
    this.#guard = guards[0]?.(() => undefined);
    fastify.addHook('onRoute', (route) => {
      if (this.#complete) return;
      this.routes.push({ methods: [route.method].flat(), url: route.url });
      // After the hooks of plugins for all routes, one of which may respond to preflights, and before those of the route.
      if (this.#guard !== undefined) route.onRequest = [this.#asked, ...[route.onRequest ?? []].flat()];
    });
    if (this.#guard !== undefined) {
      fastify.addHook('onRegister', (instance, options) => {
        // Before all hooks of a plugin with its own scope, but for preflights, which have no credentials.
        if (!(TABLE in options)) instance.addHook('onRequest', this.#askedFirst);
      });
    }
    this.#notFound = watchNotFound(fastify, (hooks) => (this.#complete ? hooks : this.#behindTable(hooks)));
  }

  /** Called when the plugins are loaded: later routes belong to the table. */
  complete(): void {
    this.#complete = true;
    this.serve = this.routes.length > 0 || this.#notFound.any || this.#fastify.server.listenerCount('upgrade') > 0;
    this.#handled = this.#notFound.forAll ? [''] : [...this.#notFound.prefixes];
    if (!this.#notFound.forAll) this.#fastify.setNotFoundHandler((_request, reply) => this.#missed(reply));
  }

  /** Predicts which plugin would respond to a request without a route of the table. `known`: the table has other methods of the path. */
  answerTo({ method = '', url = '' }: IncomingMessage, known: boolean): PluginAnswer | null {
    if (!this.serve) return null;
    const path = url.split('?', 1)[0]!;
    this.#find ??= routeFinder(this.routes.map((route) => ({ ...route, value: route })));
    const route = this.#find(method, path)?.value ?? null;
    if (route !== null) return { route };
    const isHandled = this.#handled.some((prefix) => `${path}/`.startsWith(`${prefix}/`));
    return isHandled && !known ? { route } : null;
  }

  /** Passes a request to a route of a plugin, or responds with `miss`. */
  take(req: IncomingMessage, res: ServerResponse, miss: Miss): void {
    const missed = req as Missed;
    missed[CALL] = undefined;
    missed[MISS] = miss;
    this.#wereAsked.delete(req);
    watchPipe(res, (error) => this.#fail(req, res, error));
    // A listener for upgrades may serve by itself, without a route.
    const isAsked = this.#guard !== undefined && req.headers.upgrade !== undefined;
    if (isAsked && this.#fastify.server.listenerCount('upgrade') > 0) void this.#takeUpgrade(req, res);
    else handTo(this.#fastify, req, res);
  }

  async #takeUpgrade(req: IncomingMessage, res: ServerResponse): Promise<void> {
    this.#wereAsked.add(req);
    try {
      await this.#guard!(req, res);
      handTo(this.#fastify, req, res);
    } catch (error) {
      this.#fail(req, res, error);
    }
  }

  /** Applies the guard, once for a request. A refusal passes no hook or error handler of a plugin. */
  readonly #asked = async ({ raw: req }: FastifyRequest, reply: FastifyReply): Promise<void> => {
    if (this.#wereAsked.has(req)) return;
    this.#wereAsked.add(req);
    try {
      await this.#guard!(req, reply.raw);
    } catch (error) {
      refuse(reply, error, this.#fail);
    }
  };

  readonly #askedFirst = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const isPreflight = request.method === 'OPTIONS' && 'access-control-request-method' in request.headers;
    if (isPreflight) return;
    if (request.is404 && missOf(request)?.known === true) this.#missed(reply);
    else await this.#asked(request, reply);
  };

  /** Handles a request that the table has not matched, before any other hook. */
  enter({ routeOptions }: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void {
    // The client has sent the path that an action has in Fastify.
    if (ACTION in routeOptions.config) reply.callNotFound();
    else done();
  }

  /**
   * Puts the table and the guard before the hooks and handler of a plugin for unknown paths: the table responds to other methods with 405
   * itself. `callNotFound` runs only the `preHandler` hooks.
   */
  #behindTable(hooks: NotFoundHooks): NotFoundHooks {
    // With a callback: without a guard, the response to `callNotFound` is sent before it returns.
    const first = (
      request: FastifyRequest,
      reply: FastifyReply,
      done: HookHandlerDoneFunction,
    ): void | Promise<void> => {
      if (missOf(request)?.known === true) return this.#missed(reply);
      return this.#guard === undefined ? done() : this.#asked(request, reply);
    };
    const after = (theirs: unknown = []): unknown[] => [first, theirs].flat();
    return { ...hooks, onRequest: after(hooks.onRequest), preHandler: after(hooks.preHandler) };
  }

  #missed(reply: FastifyReply): void {
    const { raw: res, request } = reply;
    const { raw: req } = request;
    const miss = missOf(request);
    // A request of the table: an action or a hook has called `callNotFound`.
    if (miss === undefined || isUpgraded(req)) {
      refuse(reply, new Fault(404), this.#fail);
      return;
    }
    reply.hijack();
    keepHeaders(reply);
    miss.answer(req, res);
  }
}

/** Returns the miss of a request; undefined if it has matched the table, perhaps after a miss in another router. */
function missOf({ raw: req }: FastifyRequest): Miss | undefined {
  return callOf(req) === undefined ? (req as Missed)[MISS] : undefined;
}

/** Returns the fault for input that Fastify's schema of a plugin's route refuses, as for input of an action; undefined for other errors. */
export function refusedInput(
  error: unknown,
  request: FastifyRequest,
  status = faultFormOf(request.raw).invalidInputStatus,
): Fault | undefined {
  const { code, message, validation: errors, validationContext: part } = error as Partial<FastifyError>;
  if (code !== 'FST_ERR_VALIDATION' || !Array.isArray(errors) || part === undefined) return undefined;
  const name: FaultIssue['where'] = part === 'querystring' ? 'query' : (part as 'body' | 'params' | 'headers');
  // Other validators have other errors.
  const known = errors.every(({ instancePath }) => typeof instancePath === 'string') ? (errors as ErrorObject[]) : [];
  const issues = valueIssues({ errors: known }, request[name]);
  return new Fault(status, {
    message,
    kind: 'input',
    issues: issues.map((issue) => Object.assign(issue, { where: name })),
    cause: error,
  });
}

/** Reports routes of plugins that no request reaches, because the table has their paths; as configured by `onShadow`. */
export function checkPluginRoutes(
  routes: readonly PluginRoute[],
  { table, mapper, log, options }: Pick<RouterParts, 'table' | 'mapper' | 'log' | 'options'>,
): void {
  const { onShadow = 'warn' } = options;
  if (onShadow === 'ignore') return;
  for (const { methods, url } of routes) {
    // For example the route for all preflights: it serves paths that the table does not have.
    if (/^\/?\*$/.test(url)) continue;
    const path = mapper.withoutPrefix(url.replaceAll(/:\w+(?:\([^)]*\))?|\*/g, 'x'));
    if (path === null) continue;
    const winners = methods.flatMap((method) => {
      // The table takes HEAD if it has GET.
      const found = table.find(method, path, null) ?? (method === 'HEAD' ? table.find('GET', path, null) : null);
      return found === null || found.compiled.conditional ? [] : [{ method, route: found.compiled.route }];
    });
    const [winner] = winners;
    if (winner === undefined) continue;
    const code = 'PORTICO_ROUTE_SHADOWED';
    const taken = winners.map(({ method }) => method).join(', ');
    const loses = winners.length === methods.length ? 'can never match' : `never matches ${taken}`;
    const message = `the route ${methods.join(', ')} ${url} of a plugin ${loses}: ${winner.route.template} of the table matches its path`;
    const hint =
      'Move the plugin to another path (its option prefix or routePrefix), or make the route of the table narrower.';
    const origin = mapper.originOf(winner.route);
    if (onShadow === 'warn') warnOfTable(log, { code, message, hint, origin });
    else throw new RouteTableError([new RouteError(code, { message, hint, origin })]);
  }
}
