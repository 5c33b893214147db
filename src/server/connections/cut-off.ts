/**
 * Requests still in progress at the deadline of a stop, and responses that cannot continue: their log lines and errors.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { environ, Fault } from '../../app/index.js';
import { destroyReason, exchangeOf, type SlotState, wrongLength } from '../../app/internal.js';
import { PorticoError } from '../../errors/index.js';
import type { LogFields, Logger } from '../../log/index.js';
import { unsentBytes } from '../../wire/index.js';
import { filterOf } from '../spans/filter-times.js';
import type { Connection, Exchange } from './connection.js';
import { requestFacts } from './request-facts.js';

/** Most requests that a log line names; the others are counted. */
const NAMED = 20;

/** A request in progress. */
export interface RequestInFlight {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  /** Start time by `performance.now()`. */
  readonly since: number;
}

/** `GET /servers for 3.2 s`. */
export function describeExchange({ req, since }: RequestInFlight): string {
  const { method, path } = requestFacts(req);
  return `${method} ${path} for ${((performance.now() - since) / 1000).toFixed(1)} s`;
}

/** Reports whether a part of the response is not written yet, or still in this process. */
export function isUnanswered({ req: { socket }, res }: RequestInFlight): boolean {
  return !res.writableEnded || socket.writableLength > 0;
}

/** Returns the holder of a request's slot; `none` while it is in its filters, or if it needs no slot. */
const HOLDERS: Readonly<Record<SlotState, ReportedRequest['slot']>> = {
  none: 'none',
  queued: 'waiting',
  granted: 'application',
  held: 'application',
  client: 'client',
  returned: 'client',
  alone: 'application',
  left: 'none',
};

/** Describes requests for a report. */
export function reportedExchange({ req, since }: RequestInFlight): ReportedRequest {
  const exchange = exchangeOf(req) as Exchange;
  const now = performance.now();
  const { requestId, route } = environ(req);
  const filter = filterOf(req);
  const { request_id: _, ...facts } = requestFacts(req);
  return {
    ...facts,
    ageMs: now - since,
    ...requestState(exchange, now),
    ...(requestId !== undefined && { requestId }),
    ...(route !== undefined && { route: route.template }),
    ...(filter !== undefined && { filter }),
    slot: HOLDERS[exchange.poolSlot],
    peer: req.socket.remoteAddress ?? 'a local process',
  };
}

/** A request without a response so far, for reports and the control socket. */
export interface ReportedRequest {
  readonly method: string;
  /** Path without its query, which may hold secrets. */
  readonly path: string;
  readonly ageMs: number;
  readonly requestId?: string;
  /** Template of the matched route. */
  readonly route?: string;
  /** The filter it is in, if filters are measured. */
  readonly filter?: string;
  /**
   * `application`: its app is at work, and counts towards the concurrency limit, perhaps after the client has left. `waiting`: queued. `client`: holds
   * none, and waits for its client, or for the next event of a stream. `none`: needs none yet.
   */
  readonly slot: 'application' | 'client' | 'waiting' | 'none';
  readonly state: RequestState;
  /** Milliseconds for which it has been in that state. */
  readonly stateMs: number;
  /** Peer address of its connection. */
  readonly peer: string;
}

/** Closes the connection of a request at a deadline of the server: its log line and its counts say 503, and that the server did it. */
export function cutOff(exchange: Exchange): void {
  exchange.brokenBy ??= new Fault(503, { message: 'cut off at the deadline of a stop or a reload' });
  exchange.ofConnection.socket.destroy();
}

/** Returns the fields of the log line. */
export function cutOffFacts(exchanges: readonly Exchange[]): LogFields {
  const requests = exchanges.slice(0, NAMED).map(({ req, since }) => ({
    ...requestFacts(req),
    seconds: Math.round(performance.now() - since) / 1000,
  }));
  return { count: exchanges.length, requests };
}

/** Error of a stop that cut off requests. */
export function cutOffError(name: string, exchanges: readonly Exchange[]): PorticoError {
  return new PorticoError('PORTICO_STOP_DEADLINE', {
    message: `${name}: ${exchanges.length} request(s) had not finished at the deadline and were cut off.`,
    hint: 'The log lists them. [DEFAULT] graceful_shutdown_timeout is their time limit, drain_timeout in a worker that is replaced.',
  });
}

/** Logs a response whose connection was closed because its body failed, or did not match its headers. */
export function tellBroken({ req, res }: Exchange, log: Logger): void {
  const error = wrongLength(res) ?? destroyReason(res);
  if (error !== undefined) log.error({ ...requestFacts(req), err: error }, 'a response was cut off');
}

/** Logs a request whose app never responds: a promise that never settles, or a filter without return. */
export function tellUnanswered({ req, res, poolSlot: slot }: Exchange, log: Logger): void {
  if (!req.complete || res.headersSent || slot === 'none') return;
  const { route } = environ(req);
  log.error(
    { ...requestFacts(req), ...(route !== undefined && { route: route.template }) },
    'the app sent no response within client_socket_timeout: the connection is closed',
  );
}

/** Logs a refusal that its filters have not let be sent. */
export function tellUnrefused({ refusedAt, state, exchange }: Connection, log: Logger): void {
  const isUnanswered = exchange === undefined ? state === 'refusing' : !exchange.res.headersSent;
  if (refusedAt === undefined || !isUnanswered) return;
  log.error(
    exchange === undefined ? {} : requestFacts(exchange.req),
    'a filter that applies to refusals (aroundRefusals) neither called the next app nor responded in time: the connection is closed',
  );
}

/** Settles when a response or a socket is closed. */
export async function closed(stream: ServerResponse | Socket): Promise<void> {
  if (!stream.closed) await new Promise((resolve) => stream.once('close', resolve));
}

/**
 * `filters`: it is in the filters; `queue`: it waits for the concurrency limit; `handler`: its application works; `alone`: it works, and its client has left;
 * `body`: the application waits for the body; `client`: the response waits until its client reads; `stream`: the response has begun, and
 * waits for its next part.
 */
export type RequestState = 'filters' | 'queue' | 'handler' | 'alone' | 'body' | 'client' | 'stream';

const OF_SLOT: Readonly<Record<SlotState, RequestState>> = {
  none: 'filters',
  queued: 'queue',
  granted: 'handler',
  held: 'handler',
  client: 'stream',
  returned: 'stream',
  alone: 'alone',
  left: 'filters',
};

/** Returns the state of a request that began at `since`, and its age in milliseconds; `client` counts from the last byte that its client took. */
function requestState(exchange: Exchange, now: number): { readonly state: RequestState; readonly stateMs: number } {
  const { req, res, since, slotAt, ofConnection, poolSlot: slot } = exchange;
  const isOpen = slot !== 'alone' && !req.socket.destroyed;
  if (isOpen && (res.headersSent || res.writableEnded) && unsentBytes(req.socket) > 0) {
    // As the timeouts saw it, once a second.
    return { state: 'client', stateMs: now - (ofConnection.movement?.stalledSince ?? now) };
  }
  const waitsForBody = slot === 'client' && !req.complete && !res.headersSent;
  const state = waitsForBody ? 'body' : OF_SLOT[slot];
  const works = state === 'handler' || state === 'alone';
  return { state, stateMs: now - (works ? slotAt || since : since) };
}
