/**
 * The request as a controller sees it.
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { type Environ, environ } from '../app/index.js';
import type { ApiVersion } from './api-version.js';
import type { UrlValues } from './url-builder.js';

/** Path variables and defaults of the route, without controller, action and format. */
export type Args = Readonly<Record<string, unknown>>;

/** What a request needs of its router. */
export interface RequestSurroundings {
  /** The URL of a named route, absolute. */
  urlFor(req: IncomingMessage, name: string, values: UrlValues): string;
}

/** The route that was taken: what logs and metrics use as a label. */
export interface MatchedRoute {
  readonly name: string | null;
  /** `/servers/{id}`; never the path itself. */
  readonly template: string;
  readonly controller: string;
  readonly action: string;
}

/** One request to one action. */
export class ActionRequest<P = Args, B = unknown, Q = unknown> {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly route: MatchedRoute;
  /** Path variables by name; parsed where the template gives them a type. Without prototype. */
  readonly params: P;
  /** The version negotiated for this request. Throws where the router has none. */
  readonly #apiVersion: ApiVersion | null;
  readonly #surroundings: RequestSurroundings;
  /** The parsed and validated body; undefined when there was none. */
  body: B = undefined as B;
  /** The query: a repeated key is an array, unless a schema says otherwise. */
  query: Q = undefined as Q;
  #abort: AbortController | undefined;

  constructor(
    req: IncomingMessage,
    res: ServerResponse,
    matched: {
      readonly route: MatchedRoute;
      readonly params: P;
      readonly apiVersion: ApiVersion | null;
      readonly surroundings: RequestSurroundings;
    },
  ) {
    this.req = req;
    this.res = res;
    this.route = matched.route;
    this.params = matched.params;
    this.#apiVersion = matched.apiVersion;
    this.#surroundings = matched.surroundings;
  }

  get method(): string {
    return this.req.method ?? 'GET';
  }

  get headers(): IncomingHttpHeaders {
    return this.req.headers;
  }

  /** The version negotiated for this request: `request.apiVersion.atLeast('2.26')`. */
  get apiVersion(): ApiVersion {
    if (this.#apiVersion === null) throw new TypeError('request.apiVersion: the router was made without versions');
    return this.#apiVersion;
  }

  /** What the request gathered on its way through the pipeline. */
  get environ(): Environ {
    return environ(this.req);
  }

  /** Who is asking: what the context filter, or noauth, put there. */
  get context(): Environ extends { context?: infer C } ? C : unknown {
    return (this.environ as { context?: unknown }).context as Environ extends { context?: infer C } ? C : unknown;
  }

  /** Aborted when the client is gone, or the route's deadline has passed. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const abort = new AbortController();
      this.#abort = abort;
      const { res } = this;
      if (res.destroyed && !res.writableFinished) abort.abort(new Error('the client is gone'));
      else {
        res.once('close', () => {
          if (!res.writableFinished) abort.abort(new Error('the client is gone'));
        });
      }
    }
    return this.#abort.signal;
  }

  /** The absolute URL of a named route, with the scheme, host and prefix the client used. */
  url(name: string, values: UrlValues = {}): string {
    return this.#surroundings.urlFor(this.req, name, values);
  }

  /** One value of the query: of a repeated key the last. */
  queryValue(name: string): string | undefined {
    const query = this.query as Readonly<Record<string, unknown>> | undefined;
    const value = query !== undefined && Object.hasOwn(query, name) ? query[name] : undefined;
    const last: unknown = Array.isArray(value) ? value.at(-1) : value;
    return last === undefined || last === null ? undefined : String(last as string);
  }

  /** Aborts {@link signal}, if anybody listens. */
  abort(reason: Error): void {
    void this.signal;
    this.#abort!.abort(reason);
  }
}
