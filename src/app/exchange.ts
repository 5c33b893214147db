/**
 * One request and its answer: the one object that belongs to both, from the moment the request has come until its response has
 * closed. A `Server` makes it at the front; of a request that came by another server it is made at its first use.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestTrace } from './context.js';
import { type Environ, type MatchedRoute, RequestEnviron } from './environ.js';
import type { FaultForm } from './fault-form.js';
import { type ServerState, type SlotTaker, stateFor } from './server-state.js';
import { parseTarget, type Target } from './target.js';

/** How a request body comes in, for the judgement whether its client is too slow. */
export interface BodyProgress {
  received: number;
  /** How much its client has said there would be; undefined for chunks. */
  readonly declared: number | undefined;
  /** Milliseconds in which the client could have sent and was not held up by us, until `checkedAt`. */
  waitedMs: number;
  checkedAt: number | undefined;
  /** Its client sends no more of it before `100 Continue`. */
  awaitsContinue: boolean;
}

/**
 * Listener of a filter, which is before the Router, for a request that has been routed. A throw or a rejection is
 * answered in the place of the action; a promise of false ends the matter without an answer, for a client that has left.
 */
export type RouteListener = (route: MatchedRoute) => undefined | Promise<boolean>;

/** A header for outgoing calls; undefined where the request has nothing to say in it. */
export type Forwarded = (env: Environ) => readonly [name: string, value: string] | undefined;

/** Facts of one request and its answer. Those that the pipeline gathers for applications are in {@link environ}. */
export class Exchange {
  declare readonly req: IncomingMessage;
  /** Undefined for a request of another server whose response has not been asked about. */
  declare res: ServerResponse | undefined;
  declare readonly environ: Environ;
  /** The server that took the request; undefined for one that sets no state. */
  declare readonly server: ServerState | undefined;
  /** Aborted when the app that has the request is to end. */
  declare readonly closing: AbortSignal | undefined;
  /** The connection it came by, where its server lists them. */
  declare connection: unknown;
  /** When its head had arrived, by `performance.now()`, to a quarter of a second. */
  declare since: number;
  /** Its slot of `requestsInHand`; -1 without one. */
  declare hand: number;
  /** Of `default_pool_size`: lent to others while its client keeps it waiting; left once it is done with. */
  declare slot: SlotTaker['slot'];
  /** When it had waited for its slot, by `performance.now()`; 0 where it did not wait. */
  declare slotAt: number;
  /** Runs the listeners of its response; undefined while it has been alone on its connection. */
  declare inContext: (<T>(work: () => T) => T) | undefined;
  /** How its body comes in; undefined for a request without one. */
  declare body: BodyProgress | undefined;
  /** Of a copy of a request: the exchange that has the slot. */
  declare original: Exchange | undefined;
  /** Rest of the target to route, as it was parsed last. */
  declare target: Target | undefined;
  /** Template of the mounts that have taken a part of the path: `/v2/{project}`. No text of a client. */
  declare mount: string;
  /** The route of the action that a Router has found. */
  declare routed: MatchedRoute | undefined;
  /** Those that wait for a route; undefined where nothing does. */
  declare routeListeners: RouteListener[] | undefined;
  /** The span of the request; undefined where none are made. */
  declare trace: RequestTrace | undefined;
  /** Headers that filters add to calls made for the request: `forwardHeaders`. Of two with one name the later counts. */
  declare forwarded: readonly Forwarded[] | undefined;
  /** How its faults are written, where its server does not say it. */
  declare faultForm: FaultForm | undefined;
  /** Why its response was broken off on our side; undefined where it was not, or where it was destroyed with an error. */
  declare brokenBy: unknown;

  // In the constructor alone: fields with initial values would be a separate function, called for each request.
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
    this.inContext = undefined;
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

/** The exchange of a request. */
export function exchangeOf(req: IncomingMessage): Exchange {
  return (req as Carrier)[EXCHANGE] ?? new Exchange(req, undefined, stateFor(req));
}

/** The environ of a request: its identity, route, context and more. Each request has one, created on first use. */
export function environ(req: IncomingMessage): Environ {
  return ((req as Carrier)[EXCHANGE] ?? exchangeOf(req)).environ;
}

/**
 * The signal that is aborted when the server of a request begins to stop, or another app takes the place of its own: an answer
 * without an end, such as an event stream, ends then. Undefined where the server does not tell, as one of plain `node:http`.
 */
export function closingOf(req: IncomingMessage): AbortSignal | undefined {
  return exchangeOf(req).closing;
}

/** Rest of the request's target to route; parsed once, however many ask. */
export function targetOf(exchange: Exchange): Target {
  const { target, req } = exchange;
  const url = req.url ?? '/';
  if (target?.url === url) return target;
  const parsed = parseTarget(url);
  exchange.target = parsed;
  return parsed;
}
