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
import { discardsInput } from './lingering-close.js';
import type { Rejections } from './refusal.js';

/** Descriptors reserved for other uses: files, databases, other listeners. */
const RESERVED = 64;

const LOWERED =
  'max_connections is lowered, because the process may open too few files: raise LimitNOFILE (ulimit -n), or set [wsgi] max_connections';

/**
 * Limits the number of connections. A new connection beyond the limit replaces the one that has been without a request
 * for the longest time; if all have requests in progress, the new one is closed.
 */
export class ConnectionLimit {
  readonly #connections: ConnectionList;
  readonly #descriptors = Math.max(1, descriptorLimit() - RESERVED);
  #limit = 0;
  readonly #closed = new Throttle(10_000);
  readonly #rejections: Rejections;
  readonly #log: Logger;

  /** `limit` 0: only the process's limit of descriptors applies. */
  constructor(connections: ConnectionList, limit: number, rejections: Rejections, log: Logger) {
    this.#connections = connections;
    this.#rejections = rejections;
    this.#log = log;
    this.limit = limit;
  }

  /** Sets the limit for connections from now on. */
  set limit(limit: number) {
    const lowered = Math.min(limit || Number.POSITIVE_INFINITY, this.#descriptors);
    if (lowered < limit && lowered !== this.#limit)
      this.#log.warn({ configured: limit, max_connections: lowered }, LOWERED);
    this.#limit = lowered;
  }

  get limit(): number {
    return this.#limit;
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
    this.#rejections.countClosed('too many connections');
    this.#closed.tell((count) => {
      this.#log.warn({ max_connections: this.#limit, count }, 'too many connections: some were closed');
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
export type TimeLimit = 'body too slow' | 'answer not taken' | 'connection silent' | 'idle' | 'lingering';

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
  /** Called before the connections are checked. */
  secondPassed(): void;
}

/**
 * Resolution of the age of requests and idle connections. A quarter of a second costs four timers per second, an exact
 * age a clock reading per request.
 */
const TICK_MS = 250;
const TICKS_A_LOOK = 4;

/**
 * Time limits of the connections of one server, from `[wsgi]`. Connections with requests in progress are checked once a
 * second for slow bodies, responses that are not read, and inactivity; idle ones four times a second.
 */
export class ConnectionTimeouts {
  readonly #connections: ConnectionList;
  readonly #listener: TimeoutListener;
  limits: WsgiOptions;
  /** Few connections discard input. */
  readonly #unwanted = new WeakMap<Connection, Unwanted>();
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
      this.#lookAtIdle(now);
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
      if (!connection.idle || socket.destroyed) continue;
      if (discardsInput(connection)) {
        this.#lookAtUnwanted(connection, now);
        continue;
      }
      if (connection.fresh || this.limits.keepAliveTimeout === 0) continue;
      connection.latest = undefined;
      if (connection.idleAfter !== requests) {
        connection.idleAfter = requests;
        connection.idleSince = now;
        if (connection.endedEarly) connection.bytesBefore = socket.bytesRead;
      } else if (now - connection.idleSince >= this.#idleTime(connection)) this.#listener.exceeded(connection, 'idle');
    }
  }

  /** Ends a connection that discards its input: the rest of a body, or anything after its last response. */
  #lookAtUnwanted(connection: Connection, now: number): void {
    const { lingeringTime, lingeringTimeout } = this.limits;
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
   * If it has received more bytes, it may be within a head, for which Node has a limit; or it has sent empty lines,
   * which may precede a head (RFC 9112 §2.2) and have no limit in Node. After both times it must be the latter.
   */
  #idleTime({ socket, bytesBefore }: Connection): number {
    const keepAliveMs = this.limits.keepAliveTimeout * 1000;
    return socket.bytesRead === bytesBefore ? keepAliveMs : keepAliveMs + TICK_MS + headTime(this.limits);
  }

  #look(now: number): void {
    this.#listener.secondPassed();
    for (const connection of this.#connections) {
      if (connection.exchange === undefined) continue;
      this.#lookAtBody(connection.exchange, now);
      this.#lookAtMovement(connection, now);
    }
  }

  #lookAtBody({ req, bodyProgress: body, ofConnection: connection }: Exchange, now: number): void {
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
    if (stalledSince !== undefined && isOver(sendTimeout, now - stalledSince)) {
      this.#listener.exceeded(connection, 'answer not taken');
    } else if (!moved && isOver(clientSocketTimeout, now - last.since)) {
      this.#listener.exceeded(connection, 'connection silent');
    }
  }
}

/** Compares a time limit in seconds, 0 for none, with milliseconds. */
function isOver(limit: number, ms: number): boolean {
  return limit > 0 && ms >= limit * 1000;
}
