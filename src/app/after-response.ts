/**
 * Work after a response: logs, metrics, releases.
 */
import type { ServerResponse } from 'node:http';
import { abortReason } from './abort-response.js';

/** How a response ended. */
export interface ResponseOutcome {
  /** True when all of it was handed to the operating system; false when the connection broke before. */
  readonly completed: boolean;
  /** Why the response was broken off on our side; undefined when it completed or the client left. */
  readonly error?: unknown;
}

/** Told how a response ended. */
export type ResponseListener = (outcome: ResponseOutcome) => void;

/**
 * Runs `listener` once, when the response is complete or its connection is gone, whichever comes first.
 *
 * Listeners run in reverse order of registration. All of them run, even if one throws; the first throw then is an
 * uncaught exception, as from any event listener. One registered after the end runs in a microtask.
 */
export function afterResponse(res: ServerResponse, listener: ResponseListener): void {
  const carrier = res as ServerResponse & { [LISTENERS]?: ResponseListener[] };
  if (res.writableFinished || res.destroyed) {
    queueMicrotask(() => listener(outcomeOf(res)));
  } else if (carrier[LISTENERS] === undefined) {
    carrier[LISTENERS] = [listener];
    watch(res, carrier[LISTENERS]);
  } else {
    carrier[LISTENERS].push(listener);
  }
}

const LISTENERS: unique symbol = Symbol('portico.afterResponse');

function watch(res: ServerResponse, listeners: ResponseListener[]): void {
  // A response that waits behind another on a pipelined connection has no socket yet, and Node does not tell it when
  // that connection breaks.
  const waiting = res.socket === null ? res.req.socket : undefined;
  const ended = (): void => {
    res.off('finish', ended);
    res.off('close', ended);
    waiting?.off('close', ended);
    run(listeners, outcomeOf(res));
  };
  res.on('finish', ended);
  res.on('close', ended);
  waiting?.on('close', ended);
}

function outcomeOf(res: ServerResponse): ResponseOutcome {
  if (res.writableFinished) return { completed: true };
  const error = abortReason(res);
  return error === undefined ? { completed: false } : { completed: false, error };
}

function run(listeners: ResponseListener[], outcome: ResponseOutcome): void {
  const failures: unknown[] = [];
  for (let listener = listeners.pop(); listener !== undefined; listener = listeners.pop()) {
    try {
      listener(outcome);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
