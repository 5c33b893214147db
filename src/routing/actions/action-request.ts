/**
 * The request object of an action.
 */

import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { parse } from 'fast-querystring';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { closingOf, type Environ, environ, type MatchedRoute, type RequestContext } from '../../app/index.js';
import { exchangeOf, targetOf } from '../../app/internal.js';
import { PorticoError, withCode } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import type { ApiVersion } from '../api-version.js';
import { contextOfCaller } from '../guard.js';
import type { UrlValues } from '../urls/url-builder.js';
import { kindOf } from './answer-kind.js';

/** Path variables and defaults of the route, without controller, action and format. */
export type Args = Readonly<Record<string, unknown>>;

/** Functions of the router that a request needs. */
export interface RequestRouter {
  /** Returns the log for requests of a route. */
  logOf(route: MatchedRoute): Logger;
  /** Returns the absolute URL of a named route; for null, the request's own. */
  urlFor(req: IncomingMessage, name: string | null, values: UrlValues): string;
}

/** Keys of properties that only the engine of the router sets and reads. */
export const FASTIFY: unique symbol = Symbol('portico.routing.fastify');
export const REPLY: unique symbol = Symbol('portico.routing.reply');
export const ANSWERED: unique symbol = Symbol('portico.routing.answered');

/** One request to one action. */
export class ActionRequest<
  P = Args,
  B = unknown,
  Q = unknown,
  H = IncomingHttpHeaders,
  C extends RequestContext | undefined = RequestContext | undefined,
> {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly route: MatchedRoute;
  /** Path variables by name; parsed if the template gives them a type, or converted by the schema. */
  params: P;
  readonly #apiVersion: ApiVersion | null;
  readonly #router: RequestRouter;
  /** The parsed and validated body; undefined without a body. */
  body: B = undefined as B;
  #query: Q | undefined;
  /** Undefined without plugins. @internal */
  [FASTIFY]: FastifyRequest | undefined;
  /** Undefined without plugins. @internal */
  [REPLY]: FastifyReply | undefined;
  /**
   * Kind of response that the action has sent by {@link reply}: a `stream` may still be in progress, a `whole` response is complete.
   * @internal
   */
  [ANSWERED]: 'stream' | 'whole' | null = null;
  #watched = false;
  #headers: unknown;
  #context: RequestContext | undefined;
  #abort: AbortController | undefined;
  #signal: AbortSignal | undefined;
  #closing: AbortSignal | undefined;
  #reason: Error | undefined;

  constructor(
    req: IncomingMessage,
    res: ServerResponse,
    route: MatchedRoute,
    params: P,
    apiVersion: ApiVersion | null,
    router: RequestRouter,
  ) {
    this.req = req;
    this.res = res;
    this.route = route;
    this.params = params;
    this.#apiVersion = apiVersion;
    this.#router = router;
  }

  get method(): string {
    return this.req.method ?? 'GET';
  }

  /** The query: a repeated key is an array, unless a schema says otherwise. */
  get query(): Q {
    this.#query ??= parse(targetOf(exchangeOf(this.req)).targetQuery.slice(1)) as Q;
    return this.#query;
  }

  set query(query: Q) {
    this.#query = query;
  }

  /**
   * Fastify's request, with the properties that plugins add: `request.fastify.cookies`. Throws `PORTICO_ROUTER_NO_PLUGINS` in a router
   * without `plugins` and `fastify`.
   */
  get fastify(): FastifyRequest {
    return this[FASTIFY] ?? noPlugins('fastify', 'Without plugins read request.req.');
  }

  /**
   * Fastify's reply, for functions of plugins: `request.reply.setCookie(name, value)`. Throws `PORTICO_ROUTER_NO_PLUGINS` in a router
   * without `plugins` and `fastify`.
   */
  get reply(): FastifyReply {
    const reply =
      this[REPLY] ?? noPlugins('reply', 'Without plugins return a Reply: new Reply(body, { status, headers }).');
    if (!this.#watched) {
      this.#watched = true;
      const { send, callNotFound } = reply;
      // A stream is not sent when the action ends, and after an asynchronous hook nothing is.
      reply.send = (...payload) => {
        const result = send.apply(reply, payload);
        const kind = kindOf(payload[0]);
        this[ANSWERED] = kind === undefined || kind === 'chunks' ? 'whole' : 'stream';
        return result;
      };
      reply.callNotFound = () => {
        this[ANSWERED] = 'whole';
        return callNotFound.call(reply);
      };
    }
    return reply;
  }

  /** Header fields by name, in lower case; converted by the schema, if the action has one. */
  get headers(): H {
    return (this.#headers ?? this.req.headers) as H;
  }

  /** Sets the headers that a schema has converted. */
  takeHeaders(headers: unknown): void {
    this.#headers = headers;
  }

  /** The version negotiated for this request: `request.apiVersion.atLeast('2.26')`. */
  get apiVersion(): ApiVersion {
    if (this.#apiVersion === null)
      throw withCode(new TypeError('request.apiVersion: the router has no versions'), 'PORTICO_API_VERSION');
    return this.#apiVersion;
  }

  /** The environ that the request gathered in the pipeline. */
  get environ(): Environ {
    return environ(this.req);
  }

  /**
   * Context of the caller: set by the filter `context` or `noauth`, else made from the identity that another filter has found. Always
   * defined with `auth: true`.
   */
  get context(): C {
    const set = environ(this.req).context;
    if (set === undefined) this.#context ??= contextOfCaller(this.req);
    return (set ?? this.#context) as C;
  }

  /** Log of the router: its lines have the id of this request. */
  get log(): Logger {
    return this.#router.logOf(this.route);
  }

  /** Aborted when the client disconnects, a deadline passes, or the service is forced to stop. */
  get signal(): AbortSignal {
    this.#signal ??= this.#makeSignal();
    return this.#signal;
  }

  /**
   * Aborted with {@link signal}, and also when the service begins to stop or reload: for a response without an end, which would delay it
   * until its deadline.
   */
  get closing(): AbortSignal {
    this.#closing ??= this.#makeClosing();
    return this.#closing;
  }

  /** True if the request needs no response any more: its client has disconnected, or it was answered. */
  get isAborted(): boolean {
    return this.#reason !== undefined || this.res.destroyed;
  }

  /**
   * Returns the absolute URL of a named route, with the scheme, host and prefix of the client; without a name, the request's own, without
   * its query.
   */
  url(name?: string, values: UrlValues = {}): string {
    return this.#router.urlFor(this.req, name ?? null, values);
  }

  /** Returns one value of the query; the last one of a repeated key. */
  queryValue(name: string): string | undefined {
    const query = this.query as Readonly<Record<string, unknown>> | undefined;
    const value = query !== undefined && Object.hasOwn(query, name) ? query[name] : undefined;
    const last: unknown = Array.isArray(value) ? value.at(-1) : value;
    return last === undefined || last === null ? undefined : String(last as string);
  }

  /** Aborts {@link signal}. */
  abort(reason: Error): void {
    this.#reason ??= reason;
    this.#abort?.abort(reason);
  }

  #makeClosing(): AbortSignal {
    const { signal, res } = this;
    const service = closingOf(this.req);
    if (signal.aborted || service === undefined) return signal;
    const abort = new AbortController();
    const end = (): void =>
      abort.abort(signal.aborted ? signal.reason : new Error('the service is stopping or reloading'));
    if (service.aborted) end();
    signal.addEventListener('abort', end);
    // Not AbortSignal.any: the signal of the service outlives the request.
    service.addEventListener('abort', end);
    res.once('close', () => service.removeEventListener('abort', end));
    return abort.signal;
  }

  #makeSignal(): AbortSignal {
    const abort = new AbortController();
    this.#abort = abort;
    const { res } = this;
    const gone = (): void => {
      if (!res.writableFinished) abort.abort(new Error('the client is gone'));
    };
    if (this.#reason !== undefined) abort.abort(this.#reason);
    else if (res.destroyed) gone();
    else res.once('close', gone);
    const { signal: outer } = this.environ;
    return outer === undefined ? abort.signal : AbortSignal.any([abort.signal, outer]);
  }
}

function noPlugins(member: string, hint: string): never {
  throw new PorticoError('PORTICO_ROUTER_NO_PLUGINS', {
    message: `request.${member} is Fastify's, which only serves a Router with plugins`,
    hint: `${hint} For a plugin write plugins: [plugin] in the options of the Router.`,
  });
}

/** A response with its own status, headers and body. */
export class Reply<Body = unknown> {
  /** Undefined: the status the action declares, else 200, or 204 without a body. */
  readonly status: number | undefined;
  readonly headers: Readonly<OutgoingHttpHeaders>;
  /** Like the result of an action: an object is JSON, a stream or a `Buffer` is sent unchanged, null is no body. */
  readonly body: Body;

  constructor(body?: Body, options: { readonly status?: number; readonly headers?: OutgoingHttpHeaders } = {}) {
    this.body = body as Body;
    this.status = options.status;
    this.headers = options.headers ?? {};
  }
}

/** Returned by an action that has answered on `request.res` itself. */
export const SENT: unique symbol = Symbol('portico.sent');
