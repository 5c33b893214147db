/**
 * What the apps of a server are told of it: that it is about to stop, and that its record in the service registry is lost.
 */
import type { IncomingMessage } from 'node:http';

const DRAINING: unique symbol = Symbol('portico.draining');

/** Marks a Node server: from now on its requests find that it drains. Called when it is asked to stop. */
export function markDraining(server: object): void {
  (server as { [DRAINING]?: true })[DRAINING] = true;
}

/** Whether the server that took this request has begun to stop: a readiness probe says no then. */
export function isDraining(req: IncomingMessage): boolean {
  const { server } = req.socket as { server?: { [DRAINING]?: true } };
  return server?.[DRAINING] === true;
}

const RECORD_LOST: unique symbol = Symbol('portico.recordLost');

/** Lets the requests of a Node server find out whether its record was lost. Called by the keeper of the record. */
export function tellRecordLost(server: object, isLost: () => boolean): void {
  (server as { [RECORD_LOST]?: () => boolean })[RECORD_LOST] = isLost;
}

/**
 * Whether the service that took this request has not reached the registry for longer than `service_down_time`: a readiness
 * probe may say no then. False for one that keeps no record.
 */
export function isRecordLost(req: IncomingMessage): boolean {
  const { server } = req.socket as { server?: { [RECORD_LOST]?: () => boolean } };
  return server?.[RECORD_LOST]?.() === true;
}
