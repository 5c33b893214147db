/**
 * An exchange: one request and its response, from the arrival of the request until the response closes, with the environ for applications.
 * A `Server` creates it on arrival; for a request of another server it is created on first use.
 */
import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { whatItIs } from '../errors/index.js';
import type { Identity } from './caller-identity.js';
import type { Fault } from './fault.js';
import type { FaultForm } from './fault-form.js';
import type { HeadFields } from './header-fields.js';
import { callersTrace, type RequestContext, type RequestTrace, type TraceIds } from './request-context.js';
import type { RequestTrial, Trial } from './request-trial.js';
import type { BodyList, Methods, ResponseListener, Stage } from './response-methods.js';
import { type CacheControl, type ServerState, type SlotTaker, stateFor } from './server-state.js';

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
  /** Set while `api-cli explain` or a replay tries the request. A filter that would ask or count something outside notes it here instead. */
  readonly trial?: RequestTrial | undefined;
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

// Paths of requests as text: percent-decoded, and in canonical spelling.

/** Returns a decoded path in canonical spelling: everything except pchar and slashes is escaped (RFC 3986 §3.3, §6.2.2). */
export function encodedPath(path: string): string {
  return path.split('/').map(encodedSegment).join('/');
}

function encodedSegment(segment: string): string {
  return encodeURIComponent(segment).replace(/%(?:24|26|2B|2C|3A|3B|3D|40)/g, decodeURIComponent);
}

/** Collapses each run of `/` into one. */
export function collapsed(path: string): string {
  return path.replace(/\/\/+/g, '/');
}

/**
 * Decodes a path: `%2F` becomes a slash like any other, `+` stays, a malformed escape is kept, bytes that are not UTF-8 become U+FFFD.
 * Characters above ASCII are read as bytes, because Node passes raw bytes of a client that way.
 */
export function decodePath(raw: string): string {
  if (!NEEDS_DECODING.test(raw)) return raw;
  if (!ABOVE_ASCII.test(raw)) {
    try {
      return decodeURIComponent(raw);
    } catch {
      // Malformed, or not UTF-8: decoded byte by byte below.
    }
  }
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytesOf(raw));
}

const NEEDS_DECODING = /[%\u0080-\uffff]/;
const ABOVE_ASCII = /[\u0080-\uffff]/;

function bytesOf(raw: string): Uint8Array {
  const text = ABOVE_LATIN1.test(raw) ? Buffer.from(raw).toString('latin1') : raw;
  const characterOf = (_: string, digits: string): string => String.fromCharCode(Number.parseInt(digits, 16));
  return Buffer.from(text.replace(/%([0-9a-f]{2})/gi, characterOf), 'latin1');
}

const ABOVE_LATIN1 = /[\u0100-\uffff]/;

/** The progress of a request body, to detect a client that is too slow. */
export interface BodyProgress {
  received: number;
  /** Milliseconds until `checkedAt` in which the client could have sent and the server did not hold it up. */
  waitedMs: number;
  checkedAt: number | undefined;
  /** The client waits for `100 Continue`. */
  awaitsContinue: boolean;
}

/**
 * A filter's listener for a request that has been routed; `method`: that by which the Router has found it. An error is the response instead of the action's; a promise of false ends the
 * request without a response, because the client has left or has its response.
 */
export type RouteListener = (route: MatchedRoute, method: string) => undefined | Promise<boolean>;

/** Returns a header for outgoing calls; undefined if the request has no value for it. */
export type Forwarded = (env: Environ) => readonly [name: string, value: string] | undefined;

/**
 * The environ is the part of an exchange that applications read and extend. Members that are not for them have names of two words, where an
 * application might add one: `bodyProgress` leaves `body` free.
 */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging -- the constructor sets what each Environ has
export interface Exchange extends Environ {}

/** The state of one request and its response. */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the constructor sets all of Environ that a request always has
export class Exchange {
  declare readonly req: IncomingMessage;
  /** Undefined for a request of another server until its response is used. */
  declare res: ServerResponse | undefined;
  /** The state of the server that took the request; undefined for a server that sets none. */
  declare readonly serverState: ServerState | undefined;
  /** Aborted when the app that handles the request is about to close. */
  declare readonly closingSignal: AbortSignal | undefined;
  /** The connection of the request, if its server tracks connections. */
  declare ofConnection: unknown;
  /** The time when the headers arrived, by `performance.now()`, exact to a quarter of a second. */
  declare since: number;
  /** The index in `requestsInHand`; -1 without one. */
  declare handIndex: number;
  /** How it counts towards the concurrency limit, `default_pool_size`: its slot. Only `RequestPool` sets it. */
  declare poolSlot: SlotTaker['poolSlot'];
  /** The sign that its app has settled (`slot.ts`). */
  declare settledBy: 'return' | 'promise' | 'report' | 'response' | 'late';
  /** The time when it left the queue of the concurrency limit, by `performance.now()`; 0 if it did not wait. */
  declare slotAt: number;
  /** The progress of the body; undefined for a request without one. */
  declare bodyProgress: BodyProgress | undefined;
  /** For a copy of a request: the exchange that has the slot. */
  declare copyOf: Exchange | undefined;
  /** Kinds of its header fields (`request-fields.ts`); -1: unknown. */
  declare fieldKinds: number;
  /** The raw fields as sent, and which of them are left out when its headers are made; undefined if none, or if they are made. */
  declare leftOut: { readonly sent: string[]; readonly removed: readonly ((name: string) => boolean)[] } | undefined;
  /** Its `Host`, `X-Auth-Token` and `Content-Type`, while the kinds are known; the declared length of its body, -1 for chunks. */
  declare hostField: string | undefined;
  declare tokenField: string | undefined;
  declare typeField: string | undefined;
  declare bodyLength: number;
  /** The target, if the server has seen that its path has nothing to decode. */
  declare plainUrl: string | undefined;
  /** The remaining target to route, as last read: the whole, its path, its query with the question mark, and the decoded path. */
  declare targetUrl: string | undefined;
  declare targetPath: string;
  declare targetQuery: string;
  declare targetText: string;
  /** The template of the mounts that have consumed a part of the path: `/v2/{project}`. Contains no text of the client. */
  declare mountTemplate: string;
  /** The route of the action that a Router has found; undefined before that, or if no route matches. */
  declare routeFound: MatchedRoute | undefined;
  /** The path variables of the route, in a table that V8 keeps as an object; and those that were read or set as `params`. */
  declare routeParams: Readonly<Record<string, string>> | undefined;
  declare shownParams: Readonly<Record<string, string>> | undefined;
  /** Listeners that wait for a route; undefined if there are none. */
  declare routeListeners: RouteListener[] | undefined;
  /** Listeners of filters for the value of a JSON body. */
  declare bodyListeners: ((body: unknown) => void)[] | undefined;
  /** The API version that the request names, also one that is refused. */
  declare askedVersion: string | undefined;
  /** The trial of the request; undefined for a request of a client. */
  declare trial: Trial | undefined;
  /** The span of the request; undefined without tracing. */
  declare requestTrace: RequestTrace | undefined;
  /** Headers that filters add to calls made for the request: `forwardHeaders`. For equal names the last one is used. */
  declare forwardedHeaders: readonly Forwarded[] | undefined;
  /** Of a request that the server refuses: its line in the access log, `none` for input that cannot be read as a request. */
  declare refusalLine: 'due' | 'written' | 'none' | undefined;
  /** The failure of a service outside for which a filter responds with 503, for operators: without text of the client. */
  declare outage: string | undefined;
  /** Whether identity headers of the client are removed: those that it has are of an authenticator. */
  declare identityStripped: boolean;
  /** The caller's token, if auth_token or jwt has accepted it. */
  declare acceptedToken: string | undefined;
  /** The format of its faults; overrides the server's. */
  declare faultForm: FaultForm | undefined;
  /** Overrides the server's: of a Router, or because the application has removed the header. */
  declare cacheControl: CacheControl | undefined;
  /** A signal that was set, and what creates it on first access. */
  declare madeSignal: AbortSignal | undefined;
  declare offeredSignal: (() => AbortSignal) | undefined;
  /** The methods below those of `served-response.ts`: of Node, or of the response of another server; undefined before its first use. */
  declare nodeMethods: Methods | undefined;
  /** Headers that a response gets unless they are set: names and values in turn, the outermost filter's first. */
  declare headDefaults: string[] | undefined;
  /** Functions of filters that see the headers before these are added, the outermost first; undefined if there never were any. */
  declare headStages: Stage[] | undefined;
  /** The headers are held back until the body is whole. */
  declare holdsHead: boolean;
  /** The headers, names and values in turn: functions of the headers change them, until they are sent. Undefined if Node stores them. */
  declare headFields: HeadFields | undefined;
  /** The length that the headers declare; -1 without one; undefined before the headers. */
  declare declaredLength: number | undefined;
  /** The length of a whole body for which the headers are being written, declared by us. */
  declare impliedLength: number | undefined;
  /** Functions of `beforeHead` are running. */
  declare runsStages: boolean;
  /** Parts of the body; the newest list is another one if other code has replaced methods in between. */
  declare bodyWay: BodyList | undefined;
  declare newestBodyWay: BodyList | undefined;
  /** The stream that is piped into the response, and what responds to an error of the headers that it writes. */
  declare pipedStream: { readonly source: Readable; fail(error: unknown): void } | undefined;
  /** Bytes passed to {@link nodeMethods}; also of a body that is not sent, as for HEAD. */
  declare writtenBytes: number;
  /** The time when the headers and the first data were sent, by `performance.now()`; 0 before, undefined if it is not asked for. */
  declare beganAt: number | undefined;
  /** No more data follows. */
  declare bodyEnded: boolean;
  /** Called after the response. */
  declare endListeners: ResponseListener[] | undefined;
  /** Reason why the server aborted the response; undefined if it did not, or destroyed it with an error. */
  declare brokenBy: unknown;
  /** The first fault of 500 or above that was sent. */
  declare firstFailure: Fault | undefined;

  // Only in the constructor: fields with initial values would be a separate function, called for each request.
  constructor(req: IncomingMessage, res: ServerResponse | undefined, server: ServerState | undefined) {
    this.req = req;
    this.res = res;
    this.serverState = server;
    this.closingSignal = server?.closing;
    this.ofConnection = undefined;
    this.since = 0;
    this.handIndex = -1;
    this.poolSlot = 'none';
    this.settledBy = 'return';
    this.slotAt = 0;
    this.bodyProgress = undefined;
    this.fieldKinds = -1;
    this.identityStripped = false;
    this.hostField = undefined;
    this.tokenField = undefined;
    this.typeField = undefined;
    this.bodyLength = 0;
    this.plainUrl = undefined;
    this.targetUrl = undefined;
    this.targetPath = '';
    this.targetQuery = '';
    this.targetText = '';
    this.mountTemplate = '';
    this.routeFound = undefined;
    this.forwardedHeaders = undefined;
    // `ServedResponse` has the key from the start.
    this.nodeMethods = res !== undefined && EXCHANGE in res ? NODE : undefined;
    this.headDefaults = undefined;
    this.headFields = undefined;
    this.declaredLength = undefined;
    this.writtenBytes = 0;
    this.bodyEnded = false;
    this.endListeners = undefined;
    (this as { originalUrl: string }).originalUrl = req.url ?? '/';
    this.scriptName = '';
    this.routeParams = undefined;
    this.requestId = undefined;
    this.globalRequestId = undefined;
    this.context = undefined;
    this.remote = undefined;
    this.route = undefined;
    this.apiVersion = undefined;
    (req as Carrier)[EXCHANGE] ??= this;
    if (res !== undefined) (res as ResponseCarrier)[EXCHANGE] = this as WithResponse;
  }

  /** Returns the environ alone: an exchange has sockets. */
  toJSON(): object {
    return environFields(this.req);
  }

  get traceIds(): TraceIds | undefined {
    return this.requestTrace?.ids ?? callersTrace(this.req);
  }

  activeTrace(): TraceIds | undefined {
    return this.requestTrace?.activeIds ?? callersTrace(this.req);
  }

  /** Made when it is read: V8 keeps a table without a prototype as a hash table of 200 bytes. */
  get params(): Readonly<Record<string, string>> {
    const { routeParams: found } = this;
    if (found === undefined) return this.shownParams ?? NO_PARAMS;
    this.shownParams ??= Object.assign(Object.create(null) as object, found);
    return this.shownParams;
  }

  set params(params: Readonly<Record<string, string>>) {
    this.shownParams = params;
  }

  get signal(): AbortSignal | undefined {
    this.madeSignal ??= this.offeredSignal?.();
    return this.madeSignal;
  }

  set signal(signal: AbortSignal | undefined) {
    this.madeSignal = signal;
    this.offeredSignal = undefined;
  }
}

/** Initial values of what few requests have: only those have fields for it. */
const RARE: Partial<Exchange> = {
  copyOf: undefined,
  leftOut: undefined,
  shownParams: undefined,
  routeListeners: undefined,
  bodyListeners: undefined,
  askedVersion: undefined,
  trial: undefined,
  requestTrace: undefined,
  refusalLine: undefined,
  outage: undefined,
  acceptedToken: undefined,
  faultForm: undefined,
  cacheControl: undefined,
  madeSignal: undefined,
  offeredSignal: undefined,
  headStages: undefined,
  holdsHead: false,
  impliedLength: undefined,
  runsStages: false,
  bodyWay: undefined,
  newestBodyWay: undefined,
  pipedStream: undefined,
  beganAt: undefined,
  brokenBy: undefined,
  firstFailure: undefined,
};
Object.assign(Exchange.prototype, RARE);

const NO_PARAMS: Readonly<Record<string, string>> = Object.freeze(Object.create(null) as Record<string, string>);

/** Node's own methods of a response. */
export const NODE = ServerResponse.prototype as unknown as Methods;

/** The key of the exchange of a request or a response. */
export const EXCHANGE: unique symbol = Symbol('portico.exchange');

/** An exchange whose response has been used. */
export type WithResponse = Exchange & { readonly res: ServerResponse };

type Carrier = IncomingMessage & { [EXCHANGE]?: Exchange | undefined };
type ResponseCarrier = ServerResponse & { [EXCHANGE]?: WithResponse | undefined };

/** Returns the exchange of a request. */
export function exchangeOf(req: IncomingMessage): Exchange {
  return (req as Carrier)[EXCHANGE] ?? new Exchange(req, undefined, stateFor(req));
}

/** Returns the exchange of a response. */
export function exchangeBy(res: ServerResponse): WithResponse {
  return (res as ResponseCarrier)[EXCHANGE] ?? joined(res);
}

function joined(res: ResponseCarrier): WithResponse {
  const known = exchangeOf(res.req);
  // A plugin may create a second response, for the connection of an upgrade.
  if (known.res !== undefined) return new Exchange(res.req, res, known.serverState) as WithResponse;
  known.res = res;
  if (EXCHANGE in res) known.nodeMethods = NODE;
  const answered = known as WithResponse;
  res[EXCHANGE] = answered;
  return answered;
}

/**
 * Returns the environ of a request: its identity, route, context and more. Each request has one, created on first use. Throws a `TypeError`
 * without a request.
 */
export function environ(req: IncomingMessage): Environ {
  if (typeof req !== 'object' || req === null)
    throw new TypeError(`environ() needs the request, and got ${whatItIs(req)}: an action gets it as { req }`);
  return exchangeOf(req);
}

/** Returns what the pipeline has set in the environ of a request, for a copy of it. */
export function environFields(req: IncomingMessage): object {
  const ours = new Exchange({} as IncomingMessage, undefined, undefined);
  const isSet = ([name]: [string, unknown]): boolean => ENVIRON.has(name) || !(name in ours);
  const exchange = exchangeOf(req);
  return { ...Object.fromEntries(Object.entries(exchange).filter(isSet)), params: exchange.params };
}

/** The fields of an exchange that belong to its environ, beside those that filters add. */
const ENVIRON: ReadonlySet<string> = new Set(
  'originalUrl scriptName requestId globalRequestId context remote route apiVersion madeSignal offeredSignal'.split(
    ' ',
  ),
);

/** Returns the exchange with the remaining target to route, which is read again after a filter has changed `req.url`. */
export function targetOf(exchange: Exchange): Exchange {
  const url = exchange.req.url ?? '/';
  if (exchange.targetUrl === url) return exchange;
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  exchange.targetUrl = url;
  exchange.targetPath = path;
  exchange.targetQuery = mark < 0 ? '' : url.slice(mark);
  exchange.targetText = url === exchange.plainUrl ? path : decodePath(path);
  return exchange;
}

/** Drops the length of the body for which the headers are being written, because a function of the headers responds in its place. */
export function dropImpliedLength(exchange: Exchange): void {
  const { res, impliedLength } = exchange;
  if (impliedLength === undefined) return;
  if (res!.getHeader('content-length') === impliedLength) res!.removeHeader('content-length');
  exchange.impliedLength = undefined;
}

/** Runs `listener` when a Router has found the action of a request, before the action. For requests without a `routeFound` yet. */
export function whenRouted(req: IncomingMessage, listener: RouteListener): void {
  const exchange = exchangeOf(req);
  exchange.routeListeners ??= [];
  exchange.routeListeners.push(listener);
}

/** Runs `listener` with the value of a JSON body when a Router has parsed it, before the action. */
export function whenBodyParsed(req: IncomingMessage, listener: (body: unknown) => void): void {
  const exchange = exchangeOf(req);
  exchange.bodyListeners ??= [];
  exchange.bodyListeners.push(listener);
}

/** Passes the value of a JSON body to the listeners, for Routers. */
export function bodyParsed(req: IncomingMessage, body: unknown): void {
  const exchange = exchangeOf(req);
  const { bodyListeners: listeners } = exchange;
  if (listeners === undefined) return;
  exchange.bodyListeners = undefined;
  for (const listener of listeners) listener(body);
}

/** Calls the listeners of a request one after the other, for Routers. False: the client has left, or has its response. */
export function askRouteListeners(
  exchange: Exchange,
  route: MatchedRoute,
  method: string,
): undefined | Promise<boolean> {
  const { routeListeners: listeners = [] } = exchange;
  exchange.routeFound = route;
  exchange.routeListeners = undefined;
  let before: undefined | Promise<boolean>;
  for (const listener of listeners) {
    before =
      before === undefined
        ? listener(route, method)
        : before.then((goOn) => (goOn ? (listener(route, method) ?? true) : false));
  }
  return before;
}

/** Reports whether an authenticator has accepted the caller of a request. */
export function isAuthenticated(req: IncomingMessage): boolean {
  const { context, identity } = environ(req);
  return identity !== undefined || context?.userId !== undefined;
}
