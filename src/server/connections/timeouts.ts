/**
 * Checks connections with requests at work once a second, for the time limits that Node does not keep, or at a high cost:
 * bodies that trickle in, answers that are not taken, connections on which nothing moves. Idle ones are checked four times a second.
 */
import { unsentBytes } from '../../wire/index.js';
import type { Connection, ConnectionList, Exchange } from './connections.js';

/** The limits in milliseconds; 0: no limit. */
export interface TimeoutLimits {
  readonly bodyGraceMs: number;
  /** Bytes per second. */
  readonly minBodyRate: number;
  readonly keepAliveMs: number;
  /** By when Node has ended a head that does not end; Infinity is never. */
  readonly headMs: number;
  readonly sendTimeoutMs: number;
  readonly socketTimeoutMs: number;
}

/** Called for connections that exceed a limit. */
export interface TimeoutListener {
  /** Every second, before the connections are looked at. */
  secondPassed(): void;
  bodyTooSlow(connection: Connection): void;
  answerNotTaken(connection: Connection): void;
  nothingMoves(connection: Connection): void;
  idleTooLong(connection: Connection): void;
}

/** What a connection looked like when something last moved on it. */
interface Movement {
  requests: number;
  received: number;
  sent: number;
  unsent: number;
  since: number;
  /** Since when bytes have waited to be sent and none was taken; undefined while none wait. */
  stalledSince: number | undefined;
}

/** How exact the age of requests and idle connections is. A quarter of a second costs four timers a second, an exact one a clock a request. */
const TICK_MS = 250;
const TICKS_A_LOOK = 4;
/** What a connection that is being closed has at least. */
const CLOSING_MS = 2000;

/** The time limits of the connections of one server. */
export class ConnectionTimeouts {
  readonly #connections: ConnectionList;
  limits: TimeoutLimits;
  readonly #listener: TimeoutListener;
  readonly #movements = new WeakMap<Connection, Movement>();
  #timer: NodeJS.Timeout | undefined;

  constructor(connections: ConnectionList, limits: TimeoutLimits, listener: TimeoutListener) {
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
      if (++ticks % TICKS_A_LOOK === 0) this.look(now);
      if (this.limits.keepAliveMs > 0) this.lookAtIdle(now);
    }, TICK_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Ends the connections that have been idle for too long, and none too early: their time begins when that is seen. */
  lookAtIdle(now: number): void {
    for (const connection of this.#connections) {
      const { socket, requests } = connection;
      if (!connection.idle || connection.fresh || socket.destroyed) continue;
      // The rest of a body is still read away, for which there is another time.
      if (connection.latest?.complete !== true) continue;
      if (connection.idleAfter !== requests) {
        connection.idleAfter = requests;
        connection.idleSince = now;
        if (connection.endedEarly) connection.bytesBefore = socket.bytesRead;
      } else if (now - connection.idleSince >= this.#idleTime(connection)) this.#listener.idleTooLong(connection);
    }
  }

  /**
   * With more bytes it may be in the middle of a head, for which Node has a time of its own; or it has sent empty lines,
   * which stand before a head (RFC 9112 §2.2) and for which Node has none. By the end of both times it is the latter.
   */
  #idleTime({ socket, bytesBefore, ended }: Connection): number {
    const { keepAliveMs, headMs } = this.limits;
    if (ended) return Math.max(keepAliveMs, CLOSING_MS);
    return socket.bytesRead === bytesBefore ? keepAliveMs : keepAliveMs + TICK_MS + headMs;
  }

  /** One look; `now` by `performance.now()`. */
  look(now: number): void {
    this.#listener.secondPassed();
    for (const connection of this.#connections) {
      const newest = connection.exchanges.at(-1);
      if (newest === undefined) continue;
      this.#lookAtBody(newest, now);
      this.#lookAtMovement(connection, now);
    }
  }

  #lookAtBody({ req, body, connection }: Exchange, now: number): void {
    if (body === undefined || req.complete || this.limits.minBodyRate === 0) return;
    const elapsed = now - (body.checkedAt ?? now);
    body.checkedAt = now;
    // A client is not slow while we do not let it send: it waits for 100 Continue, or the handler does not read.
    if (body.held || connection.held || req.readableLength >= req.readableHighWaterMark) return;
    body.waitedMs += elapsed;
    if (body.waitedMs <= this.limits.bodyGraceMs) return;
    if (body.received * 1000 < this.limits.minBodyRate * body.waitedMs) this.#listener.bodyTooSlow(connection);
  }

  #lookAtMovement(connection: Connection, now: number): void {
    const { socket } = connection;
    if (socket.destroyed) return;
    const seen = {
      requests: connection.requests,
      received: socket.bytesRead,
      sent: socket.bytesWritten,
      unsent: unsentBytes(socket),
    };
    const last = this.#movements.get(connection);
    const moved =
      last === undefined ||
      seen.received !== last.received ||
      seen.sent !== last.sent ||
      seen.unsent !== last.unsent ||
      connection.requests !== last.requests;
    const taken = last === undefined || seen.unsent === 0 || seen.unsent < last.unsent;
    const stalledSince = seen.unsent === 0 ? undefined : taken ? now : (last.stalledSince ?? now);
    this.#movements.set(connection, { ...seen, since: moved ? now : last.since, stalledSince });
    const { sendTimeoutMs, socketTimeoutMs } = this.limits;
    if (stalledSince !== undefined && sendTimeoutMs > 0 && now - stalledSince >= sendTimeoutMs) {
      this.#listener.answerNotTaken(connection);
    } else if (!moved && socketTimeoutMs > 0 && now - last.since >= socketTimeoutMs) {
      this.#listener.nothingMoves(connection);
    }
  }
}
