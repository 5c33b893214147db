/** The end of a response: work after it, such as logs and metrics, and aborting it. */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { PorticoError } from '../../errors/index.js';
import { type Exchange, exchangeBy } from '../exchange.js';
import { runInRequest } from '../request-context.js';
import type { ResponseListener, ResponseOutcome } from '../response-methods.js';
import { appSettled } from '../slot.js';

/**
 * Runs `listener` once, when the response is complete or its connection is closed, whichever comes first.
 *
 * Listeners run in reverse order of registration. All of them run, even if one throws: a `Server` logs the error with the request. Behind
 * another server it is an uncaught exception, as in any event listener. A listener registered after the end runs in a microtask.
 */
export function afterResponse(res: ServerResponse, listener: ResponseListener): void {
  const exchange = exchangeBy(res);
  if (res.writableFinished || res.destroyed) {
    queueMicrotask(() => run([listener], outcomeOf(res, exchange), exchange));
  } else if (exchange.endListeners === undefined) {
    exchange.endListeners = [listener];
    watch(res);
  } else {
    exchange.endListeners.push(listener);
  }
}

/**
 * Node's server listens for "finish" on each response, and "close" follows in the same turn: there "close" alone is enough and saves 1
 * µs. Elsewhere both are needed. Neither listener is removed: the second event finds an empty list.
 */
function watch(res: ServerResponse): void {
  if (res.listenerCount('finish') === 0) res.on('finish', ended);
  res.on('close', ended);
  // A response that waits behind another on a pipelined connection has no socket yet, and Node does not report when that connection
  // breaks.
  if (res.socket === null) watchSocket(res, res.req.socket);
}

const WAITING: unique symbol = Symbol('portico.waitingResponses');

/** One listener for all responses of a connection: with one for each, Node warns when a client pipelines more than ten. */
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

/** One function for all responses, with the response as `this`. */
function ended(this: ServerResponse): void {
  const exchange = exchangeBy(this);
  const { endListeners: listeners } = exchange;
  if (listeners === undefined || listeners.length === 0) return;
  const outcome = outcomeOf(this, exchange);
  // A destroyed connection emits this in its own async context; log lines about the response need the ids of its request.
  if (exchange.requestId === undefined && exchange.context === undefined) run(listeners, outcome, exchange);
  else runInRequest(exchange, run, listeners, outcome, exchange);
}

const COMPLETED: ResponseOutcome = Object.freeze({ completed: true });

function outcomeOf(res: ServerResponse, { brokenBy }: Exchange): ResponseOutcome {
  const error = brokenBy ?? destroyReason(res);
  if (error === undefined && isSent(res)) return COMPLETED;
  return error === undefined ? { completed: false } : { completed: false, error };
}

/**
 * Reports, at the end of a response, whether the operating system has taken all of it. Node also says "finished" of a whole response whose
 * connection is destroyed before that.
 */
export function isSent({ req, writableFinished }: ServerResponse): boolean {
  return writableFinished && !req.socket.destroyed;
}

function run(listeners: ResponseListener[], outcome: ResponseOutcome, { req, serverState: server }: Exchange): void {
  for (let listener = listeners.pop(); listener !== undefined; listener = listeners.pop()) {
    try {
      listener(outcome);
    } catch (error) {
      if (server?.failed !== undefined) server.failed(error, req, 'a listener of afterResponse failed');
      else
        process.nextTick(() => {
          throw error;
        });
    }
  }
}

/**
 * Destroys the connection of a response, so that a truncated body cannot look complete, and stores the reason for `afterResponse`. Does
 * nothing to a complete response.
 */
export function abortResponse(res: ServerResponse, reason?: unknown): void {
  if (!res.writableFinished && !res.destroyed) breakOffResponse(res, reason);
}

/** Does the same to a response that only looks complete. */
export function breakOffResponse(res: ServerResponse, reason: unknown): void {
  exchangeBy(res).brokenBy ??= reason;
  res.destroy();
}

/** Returns the reason why a response was aborted; undefined if it was not, or the client disconnected. */
export function abortReason(res: ServerResponse): unknown {
  return exchangeBy(res).brokenBy ?? destroyReason(res);
}

/** The error code of a response whose body length differs from the declared length. */
export const WRONG_LENGTH = 'PORTICO_ANSWER_LENGTH';

/** Returns the error of a response that was aborted because its body length differed from the declared length; undefined for any other. */
export function wrongLength(res: ServerResponse): PorticoError | undefined {
  const reason = abortReason(res);
  return reason instanceof PorticoError && reason.code === WRONG_LENGTH ? reason : undefined;
}

/** Returns the error with which an incomplete response was destroyed; undefined if the client disconnected. */
export function destroyReason(res: ServerResponse): Error | undefined {
  const error: NodeJS.ErrnoException | null = res.errored;
  if (error === null || error === undefined || res.writableFinished) return undefined;
  // Node 24.20 and newer destroy responses that wait for their turn with this error when the client disconnects.
  return error.code === 'ECONNRESET' && res.socket === null ? undefined : error;
}

/** Methods of a response that handlers call. After the response each of them would throw, often where no code catches it. */
const CALLS = 'writeHead write end setHeader setHeaders appendHeader removeHeader flushHeaders addTrailers'.split(' ');

/**
 * Makes all further calls on the response do nothing after it has ended, for responses sent because the handler took too long: its late
 * response must not crash the process.
 */
export function muteWhenEnded(res: ServerResponse): void {
  const exchange = exchangeBy(res);
  // One that settles by a promise or a report still does; it has not responded.
  exchange.settledBy = exchange.settledBy === 'response' ? 'late' : 'return';
  res.once('prefinish', () => {
    for (const name of CALLS) {
      const silent = (): unknown => {
        if (exchange.settledBy === 'late') appSettled(exchange);
        return name === 'write' ? false : res;
      };
      Object.defineProperty(res, name, { value: silent, configurable: true, writable: true });
    }
  });
}
