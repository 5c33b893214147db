/**
 * Telling the apps of a server that it is about to stop.
 */
import type { IncomingMessage } from 'node:http';

const DRAINING: unique symbol = Symbol('portico.draining');

/** Marks a Node server: from now on its requests find that it drains. Called by whoever is asked to stop it. */
export function markDraining(server: object): void {
  (server as { [DRAINING]?: true })[DRAINING] = true;
}

/** Whether the server that took this request has begun to stop: a readiness probe says no then. */
export function isDraining(req: IncomingMessage): boolean {
  const { server } = req.socket as { server?: { [DRAINING]?: true } };
  return server?.[DRAINING] === true;
}
