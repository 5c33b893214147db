/**
 * An exchange: one request and its response, from the arrival of the request until the response closes. A `Server` creates it on
 * arrival; for a request of another server it is created on first use.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestTrace } from './context.js';
import { type Environ, type MatchedRoute, RequestEnviron } from './environ.js';
import type { Fault } from './fault.js';
import type { FaultForm } from './fault-form.js';
import { type ServerState, type SlotTaker, stateFor } from './server-state.js';
import { parseTarget, type Target } from './target.js';

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
 * A filter's listener for a request that has been routed. An error is answered instead of the action; a promise of false ends the
 * request without a response, because the client has left or was answered.
 */
export type RouteListener = (route: MatchedRoute) => undefined | Promise<boolean>;

/** Returns a header for outgoing calls; undefined if the request has no value for it. */
export type Forwarded = (env: Environ) => readonly [name: string, value: string] | undefined;

/** The state of one request and its response. {@link environ} has the part for applications. */
export class Exchange {
  declare readonly req: IncomingMessage;
  /** Undefined for any request of another server. */
  declare res: ServerResponse | undefined;
  declare readonly environ: Environ;
  /** The state of the server that took the request; undefined for a server that sets none. */
  declare readonly server: ServerState | undefined;
  /** Aborted when the app that handles the request is about to close. */
  declare readonly closing: AbortSignal | undefined;
  /** The connection of the request, if its server tracks connections. */
  declare connection: unknown;
  /** The time when the head arrived, by `performance.now()`, exact to a quarter of a second. */
  declare since: number;
  /** The index in `requestsInHand`; -1 without one. */
  declare hand: number;
  /** The slot of `default_pool_size`: lent to others while the request waits for its client; left after the response. */
  declare slot: SlotTaker['slot'];
  /** The time when the wait for a slot ended, by `performance.now()`; 0 if it did not wait. */
  declare slotAt: number;
  /** The progress of the body; undefined for a request without one. */
  declare body: BodyProgress | undefined;
  /** For a copy of a request: the exchange that has the slot. */
  declare original: Exchange | undefined;
  /** The remaining target to route, as last parsed. */
  declare target: Target | undefined;
  /** The template of the mounts that have consumed a part of the path: `/v2/{project}`. Contains no text of the client. */
  declare mount: string;
  /** The route of the action that a Router has found. */
  declare routed: MatchedRoute | undefined;
  /** Listeners that wait for a route; undefined if there are none. */
  declare routeListeners: RouteListener[] | undefined;
  /** The span of the request; undefined without tracing. */
  declare trace: RequestTrace | undefined;
  /** Headers that filters add to calls made for the request: `forwardHeaders`. For equal names the last one is used. */
  declare forwarded: readonly Forwarded[] | undefined;
  /** The format of its faults; overrides the server's. */
  declare faultForm: FaultForm | undefined;
  /** Reason why the server aborted the response; undefined if it did not, or destroyed it with an error. */
  declare brokenBy: unknown;
  /** The first fault of 500 or above that was answered; absent before. */
  declare failure?: Fault;

  // Only in the constructor: fields with initial values would be a separate function, called for each request.
  constructor(req: IncomingMessage, res: ServerResponse | undefined, server: ServerState | undefined) {
    this.req = req;
    this.res = res;
    this.environ = new RequestEnviron(this) as Environ;
    this.server = server;
    this.closing = server?.closing;
    this.connection = undefined;
    this.since = 0;
    this.hand = -1;
    this.slot = 'none';
    this.slotAt = 0;
    this.body = undefined;
    this.original = undefined;
    this.target = undefined;
    this.mount = '';
    this.routed = undefined;
    this.routeListeners = undefined;
    this.trace = undefined;
    this.forwarded = undefined;
    this.faultForm = undefined;
    this.brokenBy = undefined;
    (req as Carrier)[EXCHANGE] = this;
  }
}

const EXCHANGE: unique symbol = Symbol('portico.exchange');

type Carrier = IncomingMessage & { [EXCHANGE]?: Exchange };

/** Returns the exchange of a request. */
export function exchangeOf(req: IncomingMessage): Exchange {
  return (req as Carrier)[EXCHANGE] ?? new Exchange(req, undefined, stateFor(req));
}

/** Returns the environ of a request: its identity, route, context and more. Each request has one, created on first use. */
export function environ(req: IncomingMessage): Environ {
  return ((req as Carrier)[EXCHANGE] ?? exchangeOf(req)).environ;
}

/**
 * Returns the signal that is aborted when the server of a request begins to stop or replaces the app. Endless responses, such as event
 * streams, should end then. Undefined for a server without this state, such as plain `node:http`.
 */
export function closingOf(req: IncomingMessage): AbortSignal | undefined {
  return exchangeOf(req).closing;
}

/** Returns the remaining target to route; parsed once and cached. */
export function targetOf(exchange: Exchange): Target {
  const { target, req } = exchange;
  const url = req.url ?? '/';
  if (target?.url === url) return target;
  const parsed = parseTarget(url);
  exchange.target = parsed;
  return parsed;
}
