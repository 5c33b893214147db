/**
 * What a request has gathered on its way through the pipeline, WSGI's environ, typed; and who sent it.
 */
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { ACTIVE_TRACE, callersTrace, type RequestContext, type RequestTrace, type TraceIds } from './context.js';

/**
 * The request's environ. Applications and filters declare fields of their own by declaration merging
 * (`declare module 'portico/app' { interface Environ { … } }`).
 */
export interface Environ {
  /** The request target as it was received, in the client's spelling: for logs. Who judges by a path uses `requestPath(req)`. */
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
  /** Who is asking; set by the context filter or by noauth. */
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

/** What a Router tells about the route it has taken. */
export interface MatchedRoute {
  readonly name: string | null;
  /** The path template: `/servers/{id}`. */
  readonly template: string;
  readonly controller: string;
  readonly action: string;
}

const ENVIRON: unique symbol = Symbol('portico.environ');
const SIGNAL: unique symbol = Symbol('portico.environ.signal');
const OFFERED: unique symbol = Symbol('portico.environ.offeredSignal');
const ROUTED: unique symbol = Symbol('portico.environ.routed');
/** What filters add to the headers of outgoing calls; of `forward-headers.ts`. */
export const FORWARDED: unique symbol = Symbol('portico.environ.forwarded');
const TRACE: unique symbol = Symbol('portico.environ.trace');
const NO_PARAMS: Readonly<Record<string, string>> = Object.freeze(Object.create(null) as Record<string, string>);

/** The environ of a request: one per request, made on first use. */
export function environ(req: IncomingMessage): Environ {
  const carrier = req as IncomingMessage & { [ENVIRON]?: Environ };
  carrier[ENVIRON] ??= new RequestEnviron(req) as Environ;
  return carrier[ENVIRON];
}

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

/** The span of a request; undefined where none are made. */
export function traceOf(env: Environ): RequestTrace | undefined {
  return (env as RequestEnviron)[TRACE];
}

/** Sets what {@link traceOf} gives. */
export function setTrace(env: Environ, trace: RequestTrace): void {
  (env as RequestEnviron)[TRACE] = trace;
}

/** The trace of a request, for a line of the log about the whole of it. */
export function traceIds(env: Environ): TraceIds | undefined {
  return (env as RequestEnviron).traceIds;
}

class RequestEnviron {
  readonly originalUrl: string;
  scriptName = '';
  params = NO_PARAMS;
  [SIGNAL]: AbortSignal | undefined = undefined;
  [OFFERED]: (() => AbortSignal) | undefined = undefined;
  /** Judges that wait for a route, or the route. */
  [ROUTED]: RouteListener[] | MatchedRoute | undefined = undefined;
  [FORWARDED]: unknown = undefined;
  [TRACE]: RequestTrace | undefined = undefined;
  readonly #req: IncomingMessage;

  constructor(req: IncomingMessage) {
    this.originalUrl = req.url ?? '/';
    this.#req = req;
  }

  get traceIds(): TraceIds | undefined {
    return this[TRACE]?.ids ?? callersTrace(this.#req);
  }

  [ACTIVE_TRACE](): TraceIds | undefined {
    return this[TRACE]?.activeIds ?? callersTrace(this.#req);
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

/**
 * What a filter, which stands before the Router, has to say of a request that has been routed. A throw or a rejection is
 * answered in the place of the action; a promise of false ends the matter without an answer, for a client that has left.
 */
export type RouteListener = (route: MatchedRoute) => undefined | Promise<boolean>;

/** The route of the action that a Router has found; undefined before, and where none takes the request. */
export function routedTo(req: IncomingMessage): MatchedRoute | undefined {
  const routed = (environ(req) as RequestEnviron)[ROUTED];
  return Array.isArray(routed) ? undefined : routed;
}

/** Runs `listener` when a Router has found the action of a request, before the action: of one that {@link routedTo} has not. */
export function whenRouted(req: IncomingMessage, listener: RouteListener): void {
  const carrier = environ(req) as RequestEnviron;
  const listeners = carrier[ROUTED];
  if (Array.isArray(listeners)) listeners.push(listener);
  else carrier[ROUTED] = [listener];
}

/** Asks the listeners of a request, one after the other; for Routers. False: the client has left, or was answered. */
export function askRouteListeners(req: IncomingMessage, route: MatchedRoute): undefined | Promise<boolean> {
  const carrier = environ(req) as RequestEnviron;
  const listeners = carrier[ROUTED];
  carrier[ROUTED] = route;
  if (!Array.isArray(listeners)) return undefined;
  let before: undefined | Promise<boolean>;
  for (const listener of listeners) {
    before = before === undefined ? listener(route) : before.then((goOn) => (goOn ? (listener(route) ?? true) : false));
  }
  return before;
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

/**
 * The request's remote end: what the proxy_headers filter has found out, else what the connection itself says.
 * Never derived from a header that a client can write, except for the host it asks for.
 */
export function remoteOf(req: IncomingMessage): Remote {
  return environ(req).remote ?? connectionRemote(req);
}

/** What the connection itself says, whatever a proxy claims. */
export function connectionRemote(req: IncomingMessage): Remote {
  const { remotePort, encrypted } = req.socket as TLSSocket;
  return {
    address: connectionAddress(req),
    port: remotePort,
    scheme: encrypted ? 'https' : 'http',
    host: req.headers.host,
  };
}

/** Takes the scheme from a field of the head, whoever sends it; values other than `http` and `https` are ignored. */
export function takeScheme(req: IncomingMessage, field: string): void {
  const said = req.headers[field];
  const scheme = typeof said === 'string' ? said.trim().toLowerCase() : undefined;
  if (scheme === 'http' || scheme === 'https') environ(req).remote = { ...connectionRemote(req), scheme };
}

/** The address alone of {@link connectionRemote}, for what asks for nothing else at each request. */
export function connectionAddress(req: IncomingMessage): string {
  const { remoteAddress } = req.socket;
  return remoteAddress === undefined ? 'unix' : withoutMapping(remoteAddress);
}

/**
 * Keeps the address of a client for log lines that are written after its connection closed: Node then returns it only if it
 * was read before.
 */
export function noteAddress(req: IncomingMessage): void {
  connectionAddress(req);
}

/** On a socket for both families, IPv4 peers appear as `::ffff:192.0.2.7`. */
function withoutMapping(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
