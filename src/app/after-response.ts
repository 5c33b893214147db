/**
 * The end of a response: work after it, such as logs and metrics, and breaking it off.
 */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { PorticoError } from '../errors/index.js';
import { runInRequest } from './context.js';
import { type Exchange, exchangeOf } from './exchange.js';

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
  const carrier = res as Carrier;
  if (res.writableFinished || res.destroyed) {
    queueMicrotask(() => listener(outcomeOf(res, exchangeOf(res.req))));
  } else if (carrier[LISTENERS] === undefined) {
    carrier[LISTENERS] = [listener];
    watch(res);
  } else {
    carrier[LISTENERS].push(listener);
  }
}

const LISTENERS: unique symbol = Symbol('portico.afterResponse');

type Carrier = ServerResponse & { [LISTENERS]?: ResponseListener[] };

/**
 * Node's server has a listener for 'finish' on each response, and 'close' follows in the same turn: there 'close' alone will
 * do, and saves 1 µs. Elsewhere both are needed. Neither listener is removed: the second event finds the list empty.
 */
function watch(res: ServerResponse): void {
  if (res.listenerCount('finish') === 0) res.on('finish', ended);
  res.on('close', ended);
  // A response that waits behind another on a pipelined connection has no socket yet, and Node does not tell it when
  // that connection breaks.
  if (res.socket === null) watchSocket(res, res.req.socket);
}

const WAITING: unique symbol = Symbol('portico.waitingResponses');

/** One listener for all responses of a connection: of one for each Node warns when a client pipelines more than ten. */
function watchSocket(res: ServerResponse, socket: Socket & { [WAITING]?: Set<ServerResponse> }): void {
  let waiting = socket[WAITING];
  if (waiting === undefined) {
    const all = new Set<ServerResponse>();
    waiting = all;
    socket[WAITING] = all;
    socket.once('close', () => {
      for (const each of all) ended.call(each);
    });
  }
  const all = waiting.add(res);
  afterResponse(res, () => all.delete(res));
}

/** One function for all responses, called on the response. */
function ended(this: ServerResponse): void {
  const listeners = (this as Carrier)[LISTENERS]!;
  if (listeners.length === 0) return;
  const exchange = exchangeOf(this.req);
  const outcome = outcomeOf(this, exchange);
  // A connection that is destroyed tells so in its own context; lines about the response have the ids of its request.
  const { environ } = exchange;
  if (environ.requestId === undefined && environ.context === undefined) run(listeners, outcome);
  else runInRequest(environ, run, listeners, outcome);
}

const COMPLETED: ResponseOutcome = Object.freeze({ completed: true });

function outcomeOf(res: ServerResponse, { brokenBy }: Exchange): ResponseOutcome {
  const error = brokenBy ?? destroyReason(res);
  if (res.writableFinished && error === undefined) return COMPLETED;
  return error === undefined ? { completed: false } : { completed: false, error };
}

function run(listeners: ResponseListener[], outcome: ResponseOutcome): void {
  let failed = false;
  let failure: unknown;
  for (let listener = listeners.pop(); listener !== undefined; listener = listeners.pop()) {
    try {
      listener(outcome);
    } catch (error) {
      failure = failed ? failure : error;
      failed = true;
    }
  }
  if (failed) throw failure;
}

/**
 * Destroys the connection of a response, so that a truncated body cannot look complete, and keeps the reason for
 * those who are told the outcome (`afterResponse`). Does nothing to a response that is complete.
 */
export function abortResponse(res: ServerResponse, reason?: unknown): void {
  if (!res.writableFinished && !res.destroyed) breakOffResponse(res, reason);
}

/** The same for a response that only looks complete. */
export function breakOffResponse(res: ServerResponse, reason: unknown): void {
  exchangeOf(res.req).brokenBy ??= reason;
  res.destroy();
}

/** Why a response was broken off; undefined when it was not, or when the client left. */
export function abortReason(res: ServerResponse): unknown {
  return exchangeOf(res.req).brokenBy ?? destroyReason(res);
}

/** The code of an answer whose body had another length than it declared. */
export const WRONG_LENGTH = 'PORTICO_ANSWER_LENGTH';

/** Why a response was broken off whose body had another length than declared; undefined for any other. */
export function wrongLength(res: ServerResponse): PorticoError | undefined {
  const reason = abortReason(res);
  return reason instanceof PorticoError && reason.code === WRONG_LENGTH ? reason : undefined;
}

/** The error that a response was destroyed with before it was complete; undefined where the client has left. */
export function destroyReason(res: ServerResponse): Error | undefined {
  const error: NodeJS.ErrnoException | null = res.errored;
  if (error === null || error === undefined || res.writableFinished) return undefined;
  // Node 24.20 and newer destroy so, when a client leaves, what waits for its turn on the connection.
  return error.code === 'ECONNRESET' && res.socket === null ? undefined : error;
}

/** Methods of a response that handlers call. After the answer each would throw, often where it is not caught. */
const CALLS = 'writeHead write end setHeader setHeaders appendHeader removeHeader flushHeaders addTrailers'.split(' ');

/**
 * Makes everything a handler still does with a response do nothing, once the response has been ended: for answers that
 * were given because the handler took too long. It cannot know, and its late answer must not bring the process down.
 */
export function muteWhenEnded(res: ServerResponse): void {
  res.once('prefinish', () => {
    for (const name of CALLS) {
      const silent = name === 'write' ? () => false : () => res;
      Object.defineProperty(res, name, { value: silent, configurable: true, writable: true });
    }
  });
}
