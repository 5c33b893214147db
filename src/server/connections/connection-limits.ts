/** Time limits of connections that Node lacks or implements at a high cost. */
import { unsentBytes } from '../../wire/index.js';
import { headTime, type ServerLimits } from '../server-options.js';
import type { Connection, Exchange } from './connection.js';
import type { ConnectionList } from './connections.js';

/** A time limit that a connection exceeds. */
export type TimeLimit = 'body too slow' | 'response not taken' | 'connection silent' | 'idle' | 'lingering';

/** Input that is discarded after a response. */
interface Unwanted {
  readonly requests: number;
  readonly received: number;
  readonly since: number;
  readonly movedAt: number;
}

/** Listener of {@link ConnectionTimeouts}. */
export interface TimeoutListener {
  exceeded(connection: Connection, limit: TimeLimit): void;
  /** Called before the connections are checked: once a second, less often when idle. Returns true if it must be called again in a second. */
  secondPassed(): boolean;
}

/**
 * Resolution of the age of requests and idle connections. A quarter of a second costs four timers per second, an exact
 * age a clock reading per request.
 */
const TICK_MS = 250;
const TICKS_A_LOOK = 4;
/** Looks without a request, or anything else that needs them, after which the server is idle. */
const LOOKS_TO_REST = 2;
/** Longest time between two looks while idle. */
const REST_MS = 10_000;

/**
 * Time limits of the connections of one server, from `[wsgi]`. Connections with requests in progress are checked once a
 * second for slow bodies, responses that are not read, and inactivity; those whose input is discarded four times a second, and idle ones
 * once a second and when the first of them has been idle for too long.
 *
 * A server without requests is idle: it looks only when the first of its idle connections has been idle for too long, and after ten
 * seconds. The next request or connection ends the rest.
 */
export class ConnectionTimeouts {
  readonly #connections: ConnectionList;
  readonly #listener: TimeoutListener;
  #limits: ServerLimits;
  /** Few connections discard input. */
  readonly #unwanted = new WeakMap<Connection, Unwanted>();
  #timer: NodeJS.Timeout | undefined;
  #isOpen = false;
  #ticks = 0;
  /** Looks in a row that found nothing to do. */
  #quietLooks = 0;
  /** Connections accepted and requests begun at the last look. */
  #usesSeen = 0;
  /** Time by `performance.now()` at which an idle connection may have been idle for too long. */
  #idleDue = 0;

  constructor(connections: ConnectionList, limits: ServerLimits, listener: TimeoutListener) {
    this.#connections = connections;
    this.#limits = limits;
    this.#listener = listener;
    connections.woken = () => this.#begin();
  }

  get limits(): ServerLimits {
    return this.#limits;
  }

  set limits(limits: ServerLimits) {
    this.#limits = limits;
    this.#idleDue = 0;
    this.#connections.wake();
  }

  start(): void {
    // A reload of the server is not a new beginning of its times.
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#begin();
  }

  stop(): void {
    this.#isOpen = false;
    this.#connections.atRest = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #begin(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#ticks = 0;
    this.#quietLooks = 0;
    this.#connections.coarseNow = performance.now();
    if (!this.#isOpen) return;
    this.#connections.atRest = false;
    this.#timer = setInterval(() => this.#tick(), TICK_MS).unref();
  }

  #tick(): void {
    const now = performance.now();
    this.#connections.coarseNow = now;
    const isLook = ++this.#ticks % TICKS_A_LOOK === 0;
    const isBusy = isLook && this.#look(now);
    if (!isLook && now < this.#idleDue) return;
    const comes = this.#lookAtIdle(now);
    if (!isLook) return;
    this.#quietLooks = isBusy || comes ? 0 : this.#quietLooks + 1;
    if (this.#quietLooks >= LOOKS_TO_REST && this.#isOpen) this.#rest(now);
  }

  #rest(now: number): void {
    clearInterval(this.#timer);
    this.#connections.atRest = true;
    const restMs = Math.min(Math.max(this.#idleDue - now, TICK_MS), REST_MS);
    this.#timer = setTimeout(() => this.#lookAtRest(), restMs).unref();
  }

  #lookAtRest(): void {
    const now = performance.now();
    this.#connections.coarseNow = now;
    const isBusy = this.#look(now);
    if (this.#lookAtIdle(now) || isBusy) this.#begin();
    else if (this.#connections.atRest) this.#rest(now);
  }

  /**
   * Closes connections that have been idle for too long, and none too early: their time starts when they are first seen
   * idle. Returns true if one discards its input, or part of its headers.
   */
  #lookAtIdle(now: number): boolean {
    let due = Number.POSITIVE_INFINITY;
    let discards = false;
    let receives = false;
    for (const connection of this.#connections) {
      const { socket, requests } = connection;
      if (!connection.idle || socket.destroyed) continue;
      if (connection.discardsInput) {
        discards = true;
        this.#lookAtUnwanted(connection, now);
        continue;
      }
      if (requests > 0) connection.latest = undefined;
      if (connection.idleAfter !== requests) {
        connection.idleAfter = requests;
        connection.idleSince = now;
        if (connection.endedEarly) connection.bytesBefore = socket.bytesRead;
      }
      receives ||= requests === 0 || socket.bytesRead !== connection.bytesBefore;
      if (requests === 0 || this.#limits.keepAliveTimeout === 0) continue;
      const dueAt = connection.idleSince + this.#idleTime(connection);
      if (dueAt <= now) this.#listener.exceeded(connection, 'idle');
      else due = Math.min(due, dueAt);
    }
    this.#idleDue = discards ? now : due;
    return discards || (receives && Number.isFinite(headTime(this.#limits)));
  }

  /** Ends a connection that discards its input: the rest of a body, or anything after its last response. */
  #lookAtUnwanted(connection: Connection, now: number): void {
    const { lingeringTime, lingeringTimeout } = this.#limits;
    const last = this.#unwanted.get(connection);
    const { requests } = connection;
    const received = connection.socket.bytesRead;
    const since = last?.requests === requests ? last.since : now;
    const moved = received !== last?.received;
    const movedAt = moved || since === now ? now : last.movedAt;
    this.#unwanted.set(connection, { requests, received, since, movedAt });
    if (isOver(lingeringTime, now - since) || isOver(lingeringTimeout, now - movedAt)) {
      this.#listener.exceeded(connection, 'lingering');
    }
  }

  /**
   * If it has received more bytes, it may be within headers, for which Node has a limit; or it has sent empty lines,
   * which may precede headers (RFC 9112 §2.2) and have no limit in Node. After both times it must be the latter.
   */
  #idleTime({ socket, bytesBefore }: Connection): number {
    const keepAliveMs = this.#limits.keepAliveTimeout * 1000;
    return socket.bytesRead === bytesBefore ? keepAliveMs : keepAliveMs + TICK_MS + headTime(this.#limits);
  }

  /** Looks at what is in progress. Returns false if nothing is, and nothing has come since the last look. */
  #look(now: number): boolean {
    const uses = this.#connections.uses;
    let isBusy = this.#listener.secondPassed() || uses !== this.#usesSeen || this.#connections.inFlight > 0;
    this.#usesSeen = uses;
    const { lingeringTime } = this.#limits;
    for (const connection of this.#connections) {
      const { refusedAt } = connection;
      if (refusedAt !== undefined && !connection.idle && isOver(lingeringTime, now - refusedAt)) {
        this.#listener.exceeded(connection, 'lingering');
        continue;
      }
      if (connection.exchange === undefined) {
        isBusy ||= !connection.idle && connection.state !== 'upgraded';
        continue;
      }
      if (connection.waiting !== undefined && isOver(lingeringTime, now - connection.exchange.since))
        connection.waitsLong();
      this.#lookAtBody(connection.exchange, now);
      this.#lookAtMovement(connection, now);
    }
    return isBusy;
  }

  #lookAtBody({ req, bodyProgress: body, ofConnection: connection }: Exchange, now: number): void {
    const { minBodyRate, bodyGrace } = this.#limits;
    if (body === undefined || req.complete || minBodyRate === 0) return;
    const elapsed = now - (body.checkedAt ?? now);
    body.checkedAt = now;
    // A client is not slow while the server does not let it send: it waits for 100 Continue, or the handler does not
    // read.
    if (body.awaitsContinue || connection.readingStopped || req.readableLength >= req.readableHighWaterMark) return;
    body.waitedMs += elapsed;
    if (body.waitedMs <= bodyGrace * 1000) return;
    if (body.received * 1000 < minBodyRate * body.waitedMs) this.#listener.exceeded(connection, 'body too slow');
  }

  #lookAtMovement(connection: Connection, now: number): void {
    const { socket, requests, movement: last } = connection;
    if (socket.destroyed) return;
    const { bytesRead: received, bytesWritten: sent } = socket;
    const unsent = unsentBytes(socket);
    const moved =
      received !== last?.received || sent !== last.sent || unsent !== last.unsent || requests !== last.requests;
    const taken = last === undefined || unsent < last.unsent;
    const stalledSince = unsent === 0 ? undefined : taken ? now : (last.stalledSince ?? now);
    connection.movement = { requests, received, sent, unsent, since: moved ? now : last.since, stalledSince };
    const { sendTimeout, clientSocketTimeout, lingeringTime } = this.#limits;
    // Unwanted input, beyond what is discarded or kept: the end of its client cannot be noticed. Requests that wait have their own limit.
    const floods = connection.readingStopped && (connection.state !== 'open' || connection.waiting === undefined);
    if (stalledSince !== undefined && isOver(sendTimeout, now - stalledSince)) {
      this.#listener.exceeded(connection, 'response not taken');
    } else if (!moved && isOver(clientSocketTimeout, now - last.since)) {
      this.#listener.exceeded(connection, 'connection silent');
    } else if (!moved && floods && isOver(lingeringTime, now - last.since)) {
      this.#listener.exceeded(connection, 'lingering');
    }
  }
}

/** Compares a time limit in seconds, 0 for none, with milliseconds. */
function isOver(limit: number, ms: number): boolean {
  return limit > 0 && ms >= limit * 1000;
}
