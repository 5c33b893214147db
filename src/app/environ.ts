/**
 * Environ of a request, as WSGI's, typed: facts gathered on its way through the pipeline; and its sender.
 */
import type { IncomingMessage } from 'node:http';
import {
  ACTIVE_TRACE,
  callersTrace,
  METHOD,
  type RequestContext,
  type RequestTrace,
  type TraceIds,
} from './context.js';

/**
 * The request's environ. Applications and filters declare fields of their own by declaration merging
 * (`declare module 'portico/app' { interface Environ { … } }`).
 */
export interface Environ {
  /** The request target as it was received, in the client's spelling: for logs. To judge by a path, use `requestPath(req)`. */
  readonly originalUrl: string;
  /** The part of the path that URL maps and mounts have consumed: `''` or `/v2.1`; never ends in `/`. */
  scriptName: string;
  /** How {@link scriptName} begins where a proxy says that it has taken this off the path; set by proxy_headers. */
  forwardedPrefix?: string;
  /** Path variables of the matched route; set by a Router. */
  params: Readonly<Record<string, string>>;
  /** This request's own id, `req-` and a UUID; set by the request_id filter. */
  requestId?: string;
  /** A valid id that the caller sent along, shared by all services its request passes through. */
  globalRequestId?: string;
  /** Context of the caller; set by the context filter or by noauth. */
  context?: RequestContext;
  /** Client address, scheme and host as resolved by the proxy_headers filter; read it with `remoteOf(req)`. */
  remote?: Remote;
  /** The matched route; set by a Router. Its template, never the path, is what logs and metrics use. */
  route?: MatchedRoute;
  /** The API version a versioned Router has negotiated, `2.53`. */
  apiVersion?: string;
  /** Fires when the answer is no longer waited for: the client left, or the deadline filter's time is up. */
  signal?: AbortSignal;
}

/** The route that a Router has taken. */
export interface MatchedRoute {
  readonly name: string | null;
  /** The path template, behind those of its mounts: `/v2/servers/{id}`. */
  readonly template: string;
  readonly controller: string;
  readonly action: string;
}

const SIGNAL: unique symbol = Symbol('portico.environ.signal');
const OFFERED: unique symbol = Symbol('portico.environ.offeredSignal');
const EXCHANGE: unique symbol = Symbol('portico.environ.exchange');
const NO_PARAMS: Readonly<Record<string, string>> = Object.freeze(Object.create(null) as Record<string, string>);

/**
 * Creates `signal` at its first use, which few requests have: an AbortSignal costs more than a whole filter. A signal that
 * exists, or was offered, before fires this one too.
 */
export function offerSignal(env: Environ, make: () => AbortSignal): void {
  const carrier = env as RequestEnviron;
  const { [SIGNAL]: made, [OFFERED]: offered } = carrier;
  const isFirst = made === undefined && offered === undefined;
  carrier[SIGNAL] = undefined;
  carrier[OFFERED] = isFirst ? make : () => AbortSignal.any([made ?? offered!(), make()]);
}

/** The trace of a request, for a line of the log about the whole of it. */
export function traceIds(env: Environ): TraceIds | undefined {
  return (env as RequestEnviron).traceIds;
}

/** The part of an `Exchange` that its environ reads. */
interface Traced {
  readonly req: IncomingMessage;
  readonly trace: RequestTrace | undefined;
}

/** The environ that an `Exchange` makes for its request. */
export class RequestEnviron {
  declare readonly originalUrl: string;
  declare scriptName: string;
  declare params: Readonly<Record<string, string>>;
  declare [SIGNAL]: AbortSignal | undefined;
  declare [OFFERED]: (() => AbortSignal) | undefined;
  declare readonly [EXCHANGE]: Traced;

  constructor(exchange: Traced) {
    this.originalUrl = exchange.req.url ?? '/';
    this.scriptName = '';
    this.params = NO_PARAMS;
    this[SIGNAL] = undefined;
    this[OFFERED] = undefined;
    this[EXCHANGE] = exchange;
  }

  get traceIds(): TraceIds | undefined {
    const { trace, req } = this[EXCHANGE];
    return trace?.ids ?? callersTrace(req);
  }

  [ACTIVE_TRACE](): TraceIds | undefined {
    const { trace, req } = this[EXCHANGE];
    return trace?.activeIds ?? callersTrace(req);
  }

  get [METHOD](): string | undefined {
    return this[EXCHANGE].req.method;
  }

  get signal(): AbortSignal | undefined {
    this[SIGNAL] ??= this[OFFERED]?.();
    return this[SIGNAL];
  }

  set signal(signal: AbortSignal | undefined) {
    this[SIGNAL] = signal;
    this[OFFERED] = undefined;
  }
}

/** The other end of a request, after the proxies in between have been accounted for. */
export interface Remote {
  /** The client's address, without port: `192.0.2.7`, `2001:db8::7`; `unix` for a Unix socket. */
  readonly address: string;
  /** The client's port; undefined when a proxy did not say it. */
  readonly port: number | undefined;
  readonly scheme: 'http' | 'https';
  /** `host` or `host:port` as the client used it; undefined for HTTP/1.0 without `Host`. */
  readonly host: string | undefined;
}
