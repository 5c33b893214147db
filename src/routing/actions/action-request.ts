/**
 * The request object of an action.
 */

import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  closingOf,
  type Environ,
  environ,
  type Fault,
  type MatchedRoute,
  type RequestContext,
  type Session,
} from '../../app/index.js';
import {
  abortError,
  cookiesOf,
  exchangeOf,
  followSignal,
  noteRemovals,
  targetOf,
  watchPipe,
} from '../../app/internal.js';
import { PorticoError, withCode } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import type { ApiVersion } from '../api-version.js';
import { contextOfCaller } from '../caller-context.js';
import type { UrlValues } from '../urls/url-builder.js';
import { readFields } from './query-lists.js';
import { kindOf } from './reply.js';
import { Upload, type UploadOptions } from './upload.js';

/** Path variables and defaults of the route, without controller, action and format. */
export type Args = Readonly<Record<string, unknown>>;

/** A handler whose types were checked at its definition. */
export type AnyHandler = (this: unknown, request: ActionRequest, args: Args) => unknown;

/** Functions of the router that a request needs. */
export interface RequestRouter {
  /** Returns the log for requests of a route. */
  logOf(route: MatchedRoute): Logger;
  /** Returns the absolute URL of a named route; for null, the request's own. */
  urlFor(req: IncomingMessage, name: string | null, values: UrlValues): string;
  /** Returns the fault of a version in which an action does not exist. */
  lacksVersion(version: ApiVersion): Fault;
  /** Responds to a failure. */
  fail(req: IncomingMessage, res: ServerResponse, error: unknown): void;
}

/** Keys of properties that only the engine of a router with plugins sets and reads. */
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
  /** Node's request. */
  declare readonly req: IncomingMessage;
  /** The matched route: its name and its template. */
  declare readonly route: MatchedRoute;
  /** Path variables by name; parsed if the template gives them a type, or converted by the schema. */
  declare params: P;
  /** The parsed and validated body; undefined without a body. */
  declare body: B;
  /** The response without a guard. @internal */
  declare readonly response: ServerResponse;
  /** Null without versions. @internal */
  declare readonly version: ApiVersion | null;
  /** @internal */
  declare protected readonly router: RequestRouter;
  declare private isGuarded: boolean;
  declare private parsedQuery: Q | undefined;
  declare private takenHeaders: unknown;
  declare private madeContext: RequestContext | undefined;
  declare private aborting: AbortController | undefined;
  declare private madeSignal: AbortSignal | undefined;
  declare private madeClosing: AbortSignal | undefined;
  declare private reason: Error | undefined;
  /** Absent without plugins. @internal */
  declare [FASTIFY]?: FastifyRequest;
  /** Absent without plugins. @internal */
  declare [REPLY]?: FastifyReply;
  /**
   * Kind of response that the action has sent by {@link reply}: a `stream` may still be in progress, a `whole` response is complete.
   * @internal
   */
  declare [ANSWERED]?: 'stream' | 'whole';
  declare private isWatched: boolean;

  // Only in the constructor: fields with initial values would be a separate function, called for each request.
  constructor(
    req: IncomingMessage,
    res: ServerResponse,
    route: MatchedRoute,
    params: P,
    version: ApiVersion | null,
    router: RequestRouter,
  ) {
    this.req = req;
    this.response = res;
    this.route = route;
    this.params = params;
    this.body = undefined as B;
    this.version = version;
    this.router = router;
  }

  /** Node's response. From now on the router responds to the failure of a stream that is piped into it. */
  get res(): ServerResponse {
    if (!this.isGuarded) this.guard(this.response);
    return this.response;
  }

  /** Responds to failures of a stream that is piped into the response. @internal */
  guard(res: ServerResponse): void {
    this.isGuarded = true;
    noteRemovals(res);
    watchPipe(res, (error) => this.router.fail(this.req, res, error));
  }

  /** Method of the request, in upper case. */
  get method(): string {
    return this.req.method ?? 'GET';
  }

  /** The query: a repeated key is an array, unless a schema says otherwise. */
  get query(): Q {
    this.parsedQuery ??= readFields(targetOf(exchangeOf(this.req)).targetQuery.slice(1), 'query') as Q;
    return this.parsedQuery;
  }

  set query(query: Q) {
    this.parsedQuery = query;
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
    if (!this.isWatched) {
      this.isWatched = true;
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
    return (this.takenHeaders ?? this.req.headers) as H;
  }

  /** Sets the headers that a schema has converted. */
  takeHeaders(headers: unknown): void {
    this.takenHeaders = headers;
  }

  /** Cookies by name. */
  get cookies(): Readonly<Record<string, string>> {
    return cookiesOf(this.req.headers.cookie);
  }

  /** The session of the caller. Throws `PORTICO_SESSION_ABSENT` without the filter `session`. */
  get session(): Session {
    return (environ(this.req) as { readonly session?: Session }).session ?? noSession();
  }

  /** The files of a form: `for await (const file of request.files({ fileBytes: 1_000_000 })) await file.saveTo(path)`. */
  get files(): (limits?: UploadOptions) => Upload {
    return (limits = {}) => new Upload(this.req, limits);
  }

  /** The version negotiated for this request: `request.apiVersion.atLeast('2.26')`. */
  get apiVersion(): ApiVersion {
    if (this.version === null)
      throw withCode(new TypeError('request.apiVersion: the router has no versions'), 'PORTICO_API_VERSION');
    return this.version;
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
    if (set === undefined) this.madeContext ??= contextOfCaller(this.req);
    return (set ?? this.madeContext) as C;
  }

  /** Log of the router: its lines have the id of this request. */
  get log(): Logger {
    return this.router.logOf(this.route);
  }

  /** Aborted when the client disconnects, a deadline passes, or the service is forced to stop. */
  get signal(): AbortSignal {
    this.madeSignal ??= this.makeSignal();
    return this.madeSignal;
  }

  /**
   * Aborted with {@link signal}, and also when the service begins to stop or reload: for a response without an end, which would delay it
   * until its deadline.
   */
  get closing(): AbortSignal {
    this.madeClosing ??= this.makeClosing();
    return this.madeClosing;
  }

  /** True if the request needs no response any more: its client has disconnected, or has a response. */
  get isAborted(): boolean {
    return this.reason !== undefined || this.response.destroyed;
  }

  /**
   * Returns the absolute URL of a named route, with the scheme, host and prefix of the client; without a name, the request's own, without
   * its query.
   */
  get url(): (name?: string, values?: UrlValues) => string {
    return (name, values = {}) => this.router.urlFor(this.req, name ?? null, values);
  }

  /** Returns one value of the query; the last one of a repeated key. */
  get queryValue(): (name: string) => string | undefined {
    return (name) => {
      const query = this.query as Readonly<Record<string, unknown>> | undefined;
      const value = query !== undefined && Object.hasOwn(query, name) ? query[name] : undefined;
      const last: unknown = Array.isArray(value) ? value.at(-1) : value;
      return last === undefined || last === null ? undefined : String(last as string);
    };
  }

  /** Aborts {@link signal}. */
  abort(reason: Error): void {
    this.reason ??= reason;
    this.aborting?.abort(reason);
  }

  private makeClosing(): AbortSignal {
    const { signal, response: res } = this;
    const service = closingOf(this.req);
    if (signal.aborted || service === undefined) return signal;
    const abort = new AbortController();
    followSignal(res, abort, signal);
    followSignal(res, abort, service, () => abortError('the service is stopping or reloading'));
    return abort.signal;
  }

  private makeSignal(): AbortSignal {
    const abort = new AbortController();
    this.aborting = abort;
    const { response: res } = this;
    const gone = (): void => {
      if (!res.writableFinished) abort.abort(abortError('the client is gone'));
    };
    if (this.reason !== undefined) abort.abort(this.reason);
    else if (res.destroyed) gone();
    else res.once('close', gone);
    const { signal: outer } = this.environ;
    if (outer !== undefined) followSignal(res, abort, outer);
    return abort.signal;
  }
}

/** Initial values of what few actions use: only their requests have fields for it. */
Object.assign(ActionRequest.prototype, {
  isGuarded: false,
  isWatched: false,
  parsedQuery: undefined,
  takenHeaders: undefined,
  madeContext: undefined,
  aborting: undefined,
  madeSignal: undefined,
  madeClosing: undefined,
  reason: undefined,
});

function noSession(): never {
  throw new PorticoError('PORTICO_SESSION_ABSENT', {
    message: 'request.session: the request did not pass the filter session',
    hint: 'Add it to the pipeline: paste.filter_factory = portico/middleware:session.',
  });
}

function noPlugins(member: string, hint: string): never {
  throw new PorticoError('PORTICO_ROUTER_NO_PLUGINS', {
    message: `request.${member} is Fastify's, which only serves a Router with plugins`,
    hint: `${hint} For a plugin write plugins: [plugin] in the options of the Router.`,
  });
}
