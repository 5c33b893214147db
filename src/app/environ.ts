/** The environ of a request, a typed version of WSGI's: facts that the pipeline collects; and the client's address. `Exchange` has it. */

import type { Identity } from './caller-identity.js';
import type { RequestContext } from './request-context.js';

/**
 * The environ of a request. Applications and filters add fields by declaration merging (`declare module 'portico/app' { interface
 * Environ { … } }`).
 */
export interface Environ {
  /** The request target as received, in the client's spelling: for logs. For decisions by path, use `requestPath(req)`. */
  readonly originalUrl: string;
  /** The part of the path that URL maps and mounts have consumed: `''` or `/v2.1`; never ends in `/`. */
  scriptName: string;
  /** The beginning of {@link scriptName} that a proxy has stripped from the path, as its header says; set by proxy_headers. */
  forwardedPrefix?: string | undefined;
  /** Path variables of the matched route; set by a Router. */
  params: Readonly<Record<string, string>>;
  /** The request's id, `req-` and a UUID; set by the request_id filter. */
  requestId?: string | undefined;
  /** A valid id sent by the caller, shared by all services that the request passes through. */
  globalRequestId?: string | undefined;
  /** The context of the caller; set by the context filter or by noauth. */
  context?: RequestContext | undefined;
  /** The authenticated caller. An authenticator sets it; the context filter reads it. */
  identity?: Identity | undefined;
  /** Client address, scheme and host from the proxy_headers filter; read it with `remoteOf(req)`. */
  remote?: Remote | undefined;
  /** The matched route; set by a Router. Logs and metrics use its template, never the path. */
  route?: MatchedRoute | undefined;
  /** The API version that a versioned Router has negotiated, such as `2.53`. */
  apiVersion?: string | undefined;
  /** Aborted when the response is no longer needed: the client has disconnected, or the deadline filter's time has expired. */
  signal?: AbortSignal | undefined;
}

/** The route that a Router has matched. */
export interface MatchedRoute {
  readonly name: string | null;
  /** The path template, after the templates of its mounts: `/v2/servers/{id}`. */
  readonly template: string;
  readonly controller: string;
  readonly action: string;
  /** Methods that the route names, if one of them is unusual: `['PROPFIND']`. Metrics and status count them by their names. */
  readonly methods?: readonly string[] | undefined;
}

/** The client of a request, with trusted proxies taken into account. */
export interface Remote {
  /** The client's address, without port: `192.0.2.7`, `2001:db8::7`; `unix` for a Unix socket. */
  readonly address: string;
  /** The client's port; undefined if a proxy did not report it. */
  readonly port: number | undefined;
  readonly scheme: 'http' | 'https';
  /** `host` or `host:port` as the client used it; undefined for HTTP/1.0 without `Host`. */
  readonly host: string | undefined;
}
