/**
 * Drain of a server's connections: requests in progress are answered, idle connections get a moment for a request that
 * may be on its way, and the rest is cut off at the deadline.
 *
 * `http.Server.close()` is not used for this: it destroys idle connections at once, and a request that the client has
 * sent by then is lost. `net.Server`'s own `close`, called by the server before this, only stops accepting.
 */
import type { Connection, ConnectionList, Exchange } from './connections.js';

/** Time that a connection has to close after its end was announced. */
const CLOSING_MS = 1500;

/** Waits until a list of connections is empty, and closes idle ones. */
export class Drain {
  /** Settles when no connection is left, with the requests that were cut off: empty after a clean end. */
  readonly done: Promise<readonly Exchange[]>;
  readonly #connections: ConnectionList;
  readonly #began = performance.now();
  #resolve!: (unfinished: readonly Exchange[]) => void;
  readonly #unfinished: Exchange[] = [];
  #idleMs = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #afterReads: NodeJS.Immediate | undefined;
  #timerAt = Number.POSITIVE_INFINITY;

  /** The listener must be closed, and every response must announce the end of its connection. */
  constructor(connections: ConnectionList) {
    this.#connections = connections;
    connections.keepTimes = true;
    this.done = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.closed();
  }

  /** Closes connections that have been idle for `idleMs` since their last response. A longer time has no effect. */
  hurry(idleMs: number): void {
    if (idleMs >= this.#idleMs) return;
    this.#idleMs = idleMs;
    this.#closeIdle();
  }

  /** Called when a connection has become idle. */
  idle(connection: Connection): void {
    this.#wakeAt(this.#leaveOf(connection));
  }

  /** Called when a connection is closed. */
  closed(): void {
    if (this.#connections.size === 0) this.#finish();
  }

  /** Closes everything now; what counts and logs requests hears of their ends before the drain is done. */
  cut(): void {
    for (const { socket, exchange } of this.#connections) {
      if (exchange !== undefined && !socket.destroyed) this.#unfinished.push(exchange);
      socket.destroy();
    }
  }

  #closeIdle = (): void => {
    clearTimeout(this.#timer);
    this.#timerAt = Number.POSITIVE_INFINITY;
    const now = performance.now();
    for (const connection of this.#connections) {
      if (!connection.idle) continue;
      const leave = this.#leaveOf(connection);
      if (leave <= now) connection.socket.destroy();
      else this.#wakeAt(leave);
    }
  };

  #wakeAt(time: number): void {
    const ms = Math.ceil(time - performance.now());
    // Node fires a timer above this limit after 1 ms.
    if (time >= this.#timerAt || ms >= 2 ** 31) return;
    clearTimeout(this.#timer);
    this.#timerAt = time;
    // After a turn of the event loop: a loop that was blocked has not read yet what has arrived.
    this.#timer = setTimeout(() => {
      this.#afterReads = setImmediate(this.#closeIdle);
    }, ms);
  }

  /**
   * Returns the time to close an idle connection: at least `idleMs` after the beginning, because its client could not
   * know yet, and after its acceptance, because an adopted socket may still bring some. A connection whose last
   * response announced its end closes by itself after the client has read that.
   */
  #leaveOf(connection: Connection): number {
    const idleMs = connection.ended ? Math.max(this.#idleMs, CLOSING_MS) : this.#idleMs;
    return Math.max(connection.lastUseAt, this.#began) + idleMs;
  }

  #finish(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#afterReads);
    this.#connections.keepTimes = false;
    this.#resolve(this.#unfinished);
  }
}

/**
 * Announces that the connection closes, if the head is not sent yet; Node then closes it by itself. Nothing after that
 * response is sent: it is not announced while other requests wait.
 */
export function announceClose({ exchange, ended, waiting }: Connection): void {
  if (exchange === undefined || exchange.res.headersSent || (waiting !== undefined && !ended)) return;
  const { res } = exchange;
  // Only in place of one that is set: a header would give the last response another shape than all others have, and V8 would discard the code
  // of both.
  if (res.hasHeader('connection')) res.setHeader('connection', 'close');
  res.shouldKeepAlive = false;
}
