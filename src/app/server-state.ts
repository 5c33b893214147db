/** The state of the server that took a request, as apps read it: concurrency limit, shutdown, connection. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type OptionKind, oneOf } from '../errors/index.js';
import type { FaultForm } from './fault-form.js';

/**
 * `Cache-Control` of responses to authenticated callers for which neither the application nor a filter has decided: `private`, because a cache
 * must not give what one caller gets to others (RFC 9111 §5.2.2.7), or `none`, no header.
 */
export type CacheControl = (typeof CACHE_CONTROLS)[number];

/** The values of `cache_control`. */
export const CACHE_CONTROLS = ['private', 'none'] as const;

/** The same for options in code. */
export const CACHE_CONTROL: OptionKind = oneOf(...CACHE_CONTROLS);

/** State that the owner of a Node server attaches to it. Without it there is no concurrency limit and no draining. */
export interface ServerState {
  slots?: Slots;
  /** The server was asked to stop. */
  draining?: boolean;
  /** Aborted when the server stops, after `drain_delay`, or replaces its app; a new signal is set after that. */
  closing?: AbortSignal;
  /** Paths are those that clients wrote (`paths = as_sent`): an application takes `//a` and `/a` for two, and so do its filters. */
  pathsAsSent?: boolean;
  /** Reports whether the service's record in the registry is lost; absent for a service without one. */
  isRecordLost?: (() => boolean) | undefined;
  /** The format of the API's faults. Default: Portico's own. */
  faultForm?: FaultForm | undefined;
  /** Default: `private`. */
  cacheControl?: CacheControl | undefined;
  /** Logs an error that comes after the response: of a listener of `afterResponse`, or of data behind its end. */
  failed?: (error: unknown, req: IncomingMessage, what: string) => void;
}

/** The state of a request's slot: the table of `RequestPool` in `src/server`. */
export type SlotState = 'none' | 'queued' | 'granted' | 'held' | 'client' | 'returned' | 'alone' | 'left';

/** The events that change it: an app is called, has settled, waits for its client, or goes on; the response has closed. */
export type SlotEvent = 'call' | 'settle' | 'wait' | 'resume' | 'close';

/** A request that takes a slot: an `Exchange`. */
export interface SlotTaker {
  poolSlot: SlotState;
}

/** The concurrency limit of a server, a slot for each request for which application code runs: `RequestPool` of `src/server`. */
export interface Slots {
  /** Changes the state of a request's slot, and returns it. */
  move(taker: SlotTaker, event: SlotEvent): SlotState;
  /** Settles when a queued request has a slot; with false if its response is no longer needed. */
  turn(taker: SlotTaker): Promise<boolean>;
}

const STATE: unique symbol = Symbol('portico.serverState');

type Stateful = { [STATE]?: ServerState };

/** Attaches the state to a Node server; its requests find it. */
export function shareState(server: object, state: ServerState): void {
  (server as Stateful)[STATE] = state;
}

/** Returns the state of a request's server; undefined for a server that sets none. */
export function stateFor(req: IncomingMessage): ServerState | undefined {
  return (req.socket as { readonly server?: Stateful } | null | undefined)?.server?.[STATE];
}

/** Reports whether the server that took this request has begun to stop, without a replacement: a readiness probe should fail then. */
export function isDraining(req: IncomingMessage): boolean {
  return stateFor(req)?.draining === true;
}

/**
 * Reports whether the service has not reached the registry for longer than `service_down_time`: a readiness probe may fail then. False
 * for a service without a record.
 */
export function isRecordLost(req: IncomingMessage): boolean {
  return stateFor(req)?.isRecordLost?.() === true;
}

/** A connection that an app has taken over from HTTP (RFC 9110 §7.8), for WebSocket and similar protocols. */
export interface UpgradedConnection {
  readonly socket: Duplex;
  /** Bytes that the client has sent after its request. */
  readonly head: Buffer;
  /**
   * Aborted when the server stops, after `drain_delay`, or replaces its app: the app should close the session. The socket is destroyed when then
   * nothing is sent on it for five seconds, and at the deadline. For a session that begins later it is aborted within two seconds.
   */
  readonly closing: AbortSignal;
}

/** Returns undefined if the connection can no longer be taken. */
type Take = () => UpgradedConnection | undefined;

/** Functions that take a request's connection; `taken` after that. */
const offers = new WeakMap<IncomingMessage, Take | 'taken'>();

/**
 * Takes the connection of a request with `Upgrade` and no body. The app responds on the socket (`handleUpgrade` of `ws` does) and ends
 * the session; filters and logs see a response with 101. Returns undefined if the request does not ask for an upgrade, has a body,
 * follows requests in flight on its connection, has its response or was taken already, or its client has disconnected: the app then responds
 * like any other.
 */
export function takeUpgrade(req: IncomingMessage): UpgradedConnection | undefined {
  const take = offers.get(req);
  if (take === undefined || take === 'taken') return undefined;
  const connection = take();
  if (connection === undefined) offers.delete(req);
  else offers.set(req, 'taken');
  return connection;
}

/** Sets the function that `takeUpgrade` calls for a request. */
export function offerUpgrade(req: IncomingMessage, take: Take): void {
  offers.set(req, take);
}

/** Returns the connection to HTTP: the taker then responds on its own response. */
export function returnUpgrade(req: IncomingMessage): void {
  offers.delete(req);
}

/** Reports whether an app has taken the connection of the request. */
export function isUpgraded(req: IncomingMessage): boolean {
  return offers.get(req) === 'taken';
}
