/**
 * Telling the apps of a server that others take it for dead: its record in the service registry is not kept alive.
 */
import type { IncomingMessage } from 'node:http';

const RECORD_LOST: unique symbol = Symbol('portico.recordLost');

/** Lets the requests of a Node server find out whether its record was lost. Called by whoever keeps the record. */
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
