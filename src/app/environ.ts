/** The environ of a request, a typed version of WSGI's: facts that the pipeline collects; and the client's address. */
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
 * The environ of a request. Applications and filters add fields by declaration merging (`declare module 'portico/app' { interface
 * Environ { … } }`).
 */
export interface Environ {
  /** The request target as received, in the client's spelling: for logs. For decisions by path, use `requestPath(req)`. */
  readonly originalUrl: string;
  /** The part of the path that URL maps and mounts have consumed: `''` or `/v2.1`; never ends in `/`. */
  scriptName: string;
  /** The beginning of {@link scriptName} that a proxy has stripped from the path, as its header says; set by proxy_headers. */
  forwardedPrefix?: string;
  /** Path variables of the matched route; set by a Router. */
  params: Readonly<Record<string, string>>;
  /** The request's id, `req-` and a UUID; set by the request_id filter. */
  requestId?: string;
  /** A valid id sent by the caller, shared by all services that the request passes through. */
  globalRequestId?: string;
  /** The context of the caller; set by the context filter or by noauth. */
  context?: RequestContext;
  /** Client address, scheme and host from the proxy_headers filter; read it with `remoteOf(req)`. */
  remote?: Remote;
  /** The matched route; set by a Router. Logs and metrics use its template, never the path. */
  route?: MatchedRoute;
  /** The API version that a versioned Router has negotiated, such as `2.53`. */
  apiVersion?: string;
  /** Aborted when the response is no longer needed: the client has disconnected, or the deadline filter's time has expired. */
  signal?: AbortSignal;
}

/** The route that a Router has matched. */
export interface MatchedRoute {
  readonly name: string | null;
  /** The path template, after the templates of its mounts: `/v2/servers/{id}`. */
  readonly template: string;
  readonly controller: string;
  readonly action: string;
}

const SIGNAL: unique symbol = Symbol('portico.environ.signal');
const OFFERED: unique symbol = Symbol('portico.environ.offeredSignal');
const EXCHANGE: unique symbol = Symbol('portico.environ.exchange');
const NO_PARAMS: Readonly<Record<string, string>> = Object.freeze(Object.create(null) as Record<string, string>);

/**
 * Makes `signal` available, created on first access, which few requests need: an AbortSignal costs more than a whole filter. A signal
 * that was set or offered before aborts this one too.
 */
export function offerSignal(env: Environ, make: () => AbortSignal): void {
  const carrier = env as RequestEnviron;
  const { [SIGNAL]: made, [OFFERED]: offered } = carrier;
  const isFirst = made === undefined && offered === undefined;
  carrier[SIGNAL] = undefined;
  carrier[OFFERED] = isFirst ? make : () => AbortSignal.any([made ?? offered!(), make()]);
}

/** Returns the trace of a request, for a log line about the whole request. */
export function traceIds(env: Environ): TraceIds | undefined {
  return (env as RequestEnviron).traceIds;
}

/** The part of an `Exchange` that its environ reads. */
interface Traced {
  readonly req: IncomingMessage;
  readonly trace: RequestTrace | undefined;
}

/** The environ that an `Exchange` creates for its request. */
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
