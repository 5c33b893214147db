/**
 * The limits of connections that Node does not keep, or at a high cost: how many there are, and how long they may take.
 */
import { readFileSync } from 'node:fs';
import type { Logger } from '../../log/index.js';
import { unsentBytes } from '../../wire/index.js';
import { headTime } from '../server-options.js';
import type { WsgiOptions } from '../wsgi-options.js';
import type { Connection, ConnectionList, Exchange } from './connections.js';
import { ThrottledWarning } from './throttled-warning.js';

/** Descriptors that are left for everything that is no connection: files, databases, other listeners. */
const RESERVED = 64;

/**
 * Keeps the number of connections within its limit. A new one beyond it takes the place of the one that has been longest
 * without a request, be it that none came after an answer or none at all; when all have requests at work the new one is closed.
 */
export class ConnectionLimit {
  readonly #connections: ConnectionList;
  readonly #descriptors = Math.max(1, descriptorLimit() - RESERVED);
  #limit = 0;
  readonly #line: ThrottledWarning;

  /** `limit` 0 is no limit, except the number of descriptors that the process may have. */
  constructor(connections: ConnectionList, limit: number, log: Logger) {
    this.#connections = connections;
    this.limit = limit;
    this.#line = new ThrottledWarning(log, 'too many connections: some were closed');
  }

  /** Takes another limit, for connections from now on. */
  set limit(limit: number) {
    this.#limit = Math.min(limit || Number.POSITIVE_INFINITY, this.#descriptors);
  }

  /** To be called with each connection once it is in the list; closes one when there are too many. */
  enforce(fresh: Connection): void {
    if (this.#connections.size <= this.#limit) return;
    let oldest: Connection | undefined;
    for (const connection of this.#connections) {
      if (connection === fresh || !connection.idle || connection.socket.destroyed) continue;
      if (oldest === undefined || connection.lastUse < oldest.lastUse) oldest = connection;
    }
    (oldest ?? fresh).socket.destroy();
    this.#line.note({ max_connections: this.#limit });
  }
}

/** How many descriptors this process may have open; unknown outside Linux. */
function descriptorLimit(): number {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** A time limit that a connection exceeds. */
export type TimeLimit = 'body too slow' | 'answer not taken' | 'connection silent' | 'idle';

/** Told of what {@link ConnectionTimeouts} sees. */
export interface TimeoutListener {
  exceeded(connection: Connection, limit: TimeLimit): void;
  /** Before the connections are looked at. */
  secondPassed(): void;
}

/** How exact the age of requests and idle connections is. A quarter of a second costs four timers a second, an exact one a clock a request. */
const TICK_MS = 250;
const TICKS_A_LOOK = 4;
/** Least time of a connection that is being closed. */
const CLOSING_MS = 2000;

/**
 * The time limits of the connections of one server, by `[wsgi]`. Those with requests at work are looked at once a second: bodies
 * that trickle in, answers that are not taken, connections on which nothing moves. Idle ones are four times a second.
 */
export class ConnectionTimeouts {
  readonly #connections: ConnectionList;
  readonly #listener: TimeoutListener;
  limits: WsgiOptions;
  #timer: NodeJS.Timeout | undefined;

  constructor(connections: ConnectionList, limits: WsgiOptions, listener: TimeoutListener) {
    this.#connections = connections;
    this.limits = limits;
    this.#listener = listener;
  }

  start(): void {
    let ticks = 0;
    this.#connections.coarseNow = performance.now();
    this.#timer ??= setInterval(() => {
      const now = performance.now();
      this.#connections.coarseNow = now;
      if (++ticks % TICKS_A_LOOK === 0) this.#look(now);
      if (this.limits.keepAliveTimeout > 0) this.#lookAtIdle(now);
    }, TICK_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Ends the connections that have been idle for too long, and none too early: their time begins when that is seen. */
  #lookAtIdle(now: number): void {
    for (const connection of this.#connections) {
      const { socket, requests } = connection;
      if (!connection.idle || connection.fresh || socket.destroyed) continue;
      // The rest of a body is still read away, for which there is another time.
      if (connection.latest?.complete === false) continue;
      connection.latest = undefined;
      if (connection.idleAfter !== requests) {
        connection.idleAfter = requests;
        connection.idleSince = now;
        if (connection.endedEarly) connection.bytesBefore = socket.bytesRead;
      } else if (now - connection.idleSince >= this.#idleTime(connection)) this.#listener.exceeded(connection, 'idle');
    }
  }

  /**
   * With more bytes it may be in the middle of a head, for which Node has its own time; or it has sent empty lines,
   * which are before a head (RFC 9112 §2.2) and for which Node has none. By the end of both times it is the latter.
   */
  #idleTime({ socket, bytesBefore, ended }: Connection): number {
    const keepAliveMs = this.limits.keepAliveTimeout * 1000;
    if (ended) return Math.max(keepAliveMs, CLOSING_MS);
    return socket.bytesRead === bytesBefore ? keepAliveMs : keepAliveMs + TICK_MS + headTime(this.limits);
  }

  #look(now: number): void {
    this.#listener.secondPassed();
    for (const connection of this.#connections) {
      const newest = connection.exchanges.at(-1);
      if (newest === undefined) continue;
      this.#lookAtBody(newest, now);
      this.#lookAtMovement(connection, now);
    }
  }

  #lookAtBody({ req, body, connection }: Exchange, now: number): void {
    const { minBodyRate, bodyGrace } = this.limits;
    if (body === undefined || req.complete || minBodyRate === 0) return;
    const elapsed = now - (body.checkedAt ?? now);
    body.checkedAt = now;
    // A client is not slow while we do not let it send: it waits for 100 Continue, or the handler does not read.
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
    const { sendTimeout, clientSocketTimeout } = this.limits;
    if (stalledSince !== undefined && sendTimeout > 0 && now - stalledSince >= sendTimeout * 1000) {
      this.#listener.exceeded(connection, 'answer not taken');
    } else if (!moved && clientSocketTimeout > 0 && now - last.since >= clientSocketTimeout * 1000) {
      this.#listener.exceeded(connection, 'connection silent');
    }
  }
}
