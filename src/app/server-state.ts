/**
 * An app's view of the server that took its request: its turn, whether it is about to stop, the connection.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FaultForm } from './fault-form.js';

/** Kept on a Node server by its owner; without an owner nothing is counted, and nothing drains. */
export interface ServerState {
  slots?: Slots;
  /** It is asked to stop. */
  draining?: boolean;
  /** Aborted when the server begins to end, or to replace its app; another one from then on. */
  closing?: AbortSignal;
  /** Whether its record in the service registry was lost; absent where it keeps none. */
  isRecordLost?: (() => boolean) | undefined;
  /** How the API writes its faults. Default: as Portico does. */
  faultForm?: FaultForm | undefined;
}

/** A request that asks for a slot, an `Exchange`. */
export interface SlotTaker {
  /** Lent to others while its client keeps it waiting; left once it is done with. */
  slot: 'none' | 'taken' | 'lent' | 'left';
  /** Undefined for a request whose server lists no connections. */
  readonly connection: unknown;
}

/** The slots of a server, one for each request that application code works at: `RequestPool` of `src/server`. */
export interface Slots {
  /**
   * Takes a slot for a request, once however many apps are tried for it. Undefined when the app may be called at once;
   * else a promise, which settles when the request's turn has come: false when its answer is no longer waited for.
   */
  take(taker: SlotTaker): Promise<boolean> | undefined;
}

const STATE: unique symbol = Symbol('portico.serverState');

type Stateful = { [STATE]?: ServerState };

/** Has the requests of a Node server find this state. */
export function shareState(server: object, state: ServerState): void {
  (server as Stateful)[STATE] = state;
}

/** The same for the server of a request; undefined for one that sets none. */
export function stateFor(req: IncomingMessage): ServerState | undefined {
  return (req.socket as { readonly server?: Stateful } | null | undefined)?.server?.[STATE];
}

/**
 * Whether the server that took this request has begun to stop, and no other one takes its place: a readiness probe says no then.
 */
export function isDraining(req: IncomingMessage): boolean {
  return stateFor(req)?.draining === true;
}

/**
 * Whether the service that took this request has not reached the registry for longer than `service_down_time`: a readiness
 * probe may say no then. False for one that keeps no record.
 */
export function isRecordLost(req: IncomingMessage): boolean {
  return stateFor(req)?.isRecordLost?.() === true;
}

/** A connection that an app has taken over from HTTP (RFC 9110 §7.8): WebSocket and the like. */
export interface UpgradedConnection {
  readonly socket: Duplex;
  /** Bytes that the client has sent behind its request. */
  readonly head: Buffer;
  /** Aborted when the server begins to drain: end the session politely then. At the deadline the socket is destroyed. */
  readonly closing: AbortSignal;
}

/** Undefined where it cannot be taken any more. */
type Take = () => UpgradedConnection | undefined;

/** Takers of a request's connection, until it is taken: then `taken`. */
const offers = new WeakMap<IncomingMessage, Take | 'taken'>();

/**
 * Takes the connection of a request with `Upgrade` and no body. The app answers on the socket (`handleUpgrade` of `ws` does),
 * and ends the session; for filters and logs the request is answered with 101. Undefined where the request asks for no
 * upgrade, has a body, follows requests that are still at work, is answered or was taken already, and where its client has
 * left: such a request is answered as any other. Throws a `Fault` with status 503 while the server drains.
 */
export function takeUpgrade(req: IncomingMessage): UpgradedConnection | undefined {
  const take = offers.get(req);
  if (take === undefined || take === 'taken') return undefined;
  const connection = take();
  if (connection === undefined) offers.delete(req);
  else offers.set(req, 'taken');
  return connection;
}

/** Has `takeUpgrade` give what `take` does. */
export function offerUpgrade(req: IncomingMessage, take: Take): void {
  offers.set(req, take);
}

/** Gives the connection back to HTTP: its taker answers the request as any other, on its own response. */
export function returnUpgrade(req: IncomingMessage): void {
  offers.delete(req);
}

/** Whether an app has taken the connection of the request. */
export function isUpgraded(req: IncomingMessage): boolean {
  return offers.get(req) === 'taken';
}
