/**
 * Breaking off a response whose head is out: nothing else can tell the client that it failed.
 */
import type { ServerResponse } from 'node:http';

const REASON: unique symbol = Symbol('portico.abortReason');

/**
 * Destroys the connection of a response, so that a truncated body cannot look complete, and keeps the reason for
 * those who are told the outcome (`afterResponse`). Does nothing to a response that is complete.
 */
export function abortResponse(res: ServerResponse, reason?: unknown): void {
  if (!res.writableFinished && !res.destroyed) breakOffResponse(res, reason);
}

/** The same for a response that only looks complete. */
export function breakOffResponse(res: ServerResponse, reason: unknown): void {
  (res as ServerResponse & { [REASON]?: unknown })[REASON] ??= reason;
  res.destroy();
}

/** Why a response was broken off; undefined when it was not, or when the client left. */
export function abortReason(res: ServerResponse): unknown {
  return (res as ServerResponse & { [REASON]?: unknown })[REASON];
}
