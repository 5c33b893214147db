/**
 * Connections that an app takes over from HTTP (RFC 9110 §7.8): WebSocket and the like.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

/** A connection that speaks HTTP no more. */
export interface UpgradedConnection {
  readonly socket: Duplex;
  /** What the client has sent behind its request. */
  readonly head: Buffer;
  /** Aborted when the server begins to drain: end the session politely then. At the deadline the socket is destroyed. */
  readonly closing: AbortSignal;
}

/** Undefined where it cannot be taken any more. */
type Take = () => UpgradedConnection | undefined;

const offers = new WeakMap<IncomingMessage, Take>();
const taken = new WeakSet<IncomingMessage>();

/**
 * Takes the connection of a request with `Upgrade` and no body. The app answers on the socket (`handleUpgrade` of `ws` does),
 * and ends the session; for filters and logs the request is answered with 101. Undefined where the request asks for no
 * upgrade, has a body, follows requests that are still at work, is answered or was taken already, and where its client has
 * left: such a request is answered as any other. Throws a `Fault` with status 503 while the server drains.
 */
export function takeUpgrade(req: IncomingMessage): UpgradedConnection | undefined {
  const take = offers.get(req);
  if (take === undefined) return undefined;
  const connection = take();
  offers.delete(req);
  if (connection !== undefined) taken.add(req);
  return connection;
}

/** Has `takeUpgrade` give what `take` does. */
export function offerUpgrade(req: IncomingMessage, take: Take): void {
  offers.set(req, take);
}

/** Whether an app has taken the connection of the request. */
export function isUpgraded(req: IncomingMessage): boolean {
  return taken.has(req);
}
