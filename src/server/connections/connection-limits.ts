/**
 * Limits of connections that Node lacks or implements at a high cost: their number, and their time limits.
 */
import { readFileSync } from 'node:fs';
import type { Logger } from '../../log/index.js';
import { Throttle } from '../../log/internal.js';
import { unsentBytes } from '../../wire/index.js';
import { headTime } from '../server-options.js';
import type { WsgiOptions } from '../wsgi-options.js';
import type { Connection, ConnectionList, Exchange } from './connections.js';

/** Descriptors reserved for other uses: files, databases, other listeners. */
const RESERVED = 64;

/**
 * Limits the number of connections. A new connection beyond the limit replaces the one that has been without a request
 * for the longest time; if all have requests in progress, the new one is closed.
 */
export class ConnectionLimit {
  readonly #connections: ConnectionList;
  readonly #descriptors = Math.max(1, descriptorLimit() - RESERVED);
  #limit = 0;
  readonly #closed = new Throttle(10_000);
  readonly #log: Logger;

  /** `limit` 0: only the process's limit of descriptors applies. */
  constructor(connections: ConnectionList, limit: number, log: Logger) {
    this.#connections = connections;
    this.limit = limit;
    this.#log = log;
  }

  /** Sets the limit for connections from now on. */
  set limit(limit: number) {
    this.#limit = Math.min(limit || Number.POSITIVE_INFINITY, this.#descriptors);
  }

  /** Called with each connection after it was added to the list; closes one if there are too many. */
  enforce(fresh: Connection): void {
    if (this.#connections.size <= this.#limit) return;
    let oldest: Connection | undefined;
    for (const connection of this.#connections) {
      if (connection === fresh || !connection.idle || connection.socket.destroyed) continue;
      if (oldest === undefined || connection.lastUse < oldest.lastUse) oldest = connection;
    }
    (oldest ?? fresh).socket.destroy();
    this.#closed.tell((count) => {
      this.#log.warn('too many connections: some were closed', { max_connections: this.#limit, count });
    });
  }
}

/** Returns the process's limit of open descriptors; unknown outside Linux. */
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

/** Listener of {@link ConnectionTimeouts}. */
export interface TimeoutListener {
  exceeded(connection: Connection, limit: TimeLimit): void;
  /** Called before the connections are checked. */
  secondPassed(): void;
}

/**
 * Resolution of the age of requests and idle connections. A quarter of a second costs four timers per second, an exact
 * age a clock reading per request.
 */
const TICK_MS = 250;
const TICKS_A_LOOK = 4;
/** Minimum time of a connection that is being closed. */
const CLOSING_MS = 2000;

/**
 * Time limits of the connections of one server, from `[wsgi]`. Connections with requests in progress are checked once a
 * second for slow bodies, responses that are not read, and inactivity; idle ones four times a second.
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

  /**
   * Closes connections that have been idle for too long, and none too early: their time starts when they are first seen
   * idle.
   */
  #lookAtIdle(now: number): void {
    for (const connection of this.#connections) {
      const { socket, requests } = connection;
      if (!connection.idle || connection.fresh || socket.destroyed) continue;
      // The rest of a body is still discarded, which has a separate time limit.
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
   * If it has received more bytes, it may be within a head, for which Node has a limit; or it has sent empty lines,
   * which may precede a head (RFC 9112 §2.2) and have no limit in Node. After both times it must be the latter.
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
    const { sendTimeout, clientSocketTimeout } = this.limits;
    if (stalledSince !== undefined && sendTimeout > 0 && now - stalledSince >= sendTimeout * 1000) {
      this.#listener.exceeded(connection, 'answer not taken');
    } else if (!moved && clientSocketTimeout > 0 && now - last.since >= clientSocketTimeout * 1000) {
      this.#listener.exceeded(connection, 'connection silent');
    }
  }
}
