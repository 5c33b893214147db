/**
 * Drain of a server's connections: requests in progress get their responses, idle connections get a moment for a request that
 * may be on its way, and the rest is cut off at the deadline.
 *
 * `http.Server.close()` is not used for this: it destroys idle connections at once, and a request that the client has
 * sent by then is lost. `net.Server`'s own `close`, called by the server before this, only stops accepting.
 */
import { deferred } from '../../tasks/internal.js';
import type { Connection, Exchange } from './connection.js';
import type { ConnectionList } from './connections.js';
import { cutOff } from './cut-off.js';

/** Time that a connection has to close after its end was announced. */
const CLOSING_MS = 1500;

/** Time between two looks at idle connections. */
const LOOK_MS = 50;

/** Waits until a list of connections is empty, and closes idle ones. */
export class Drain {
  /** Settles when no connection is left, with the requests that were cut off: empty after a clean end. */
  readonly done: Promise<readonly Exchange[]>;
  readonly #connections: ConnectionList;
  readonly #began = performance.now();
  readonly #end = deferred<readonly Exchange[]>();
  readonly #unfinished: Exchange[] = [];
  #idleMs = Number.POSITIVE_INFINITY;
  readonly #timer = setInterval(() => {
    // After a turn of the event loop: a loop that was blocked has not read yet what has arrived.
    setImmediate((now: number) => this.#closeIdle(now), performance.now());
  }, LOOK_MS);

  /** The listener must be closed, and every response must announce the end of its connection. */
  constructor(connections: ConnectionList) {
    this.#connections = connections;
    connections.keepTimes = true;
    this.done = this.#end.promise;
    this.closed();
  }

  /** Closes connections that have been idle for `idleMs` since their last response. A longer time has no effect. */
  hurry(idleMs: number): void {
    if (idleMs >= this.#idleMs) return;
    this.#idleMs = idleMs;
    this.#closeIdle(performance.now());
  }

  /** Called when a connection is closed. */
  closed(): void {
    if (this.#connections.size === 0) this.#finish();
  }

  /** Closes everything now; what counts and logs requests hears of their ends before the drain is done. */
  cut(): void {
    for (const { socket, exchange } of this.#connections) {
      if (exchange !== undefined && !socket.destroyed) {
        this.#unfinished.push(exchange);
        cutOff(exchange);
      } else socket.destroy();
    }
  }

  #closeIdle(now: number): void {
    for (const connection of this.#connections) {
      if (connection.idle && this.#leaveOf(connection) <= now) connection.socket.destroy();
    }
  }

  /**
   * Returns the time at which an idle connection is closed: at least `idleMs` after the beginning of the drain, because its client could
   * not know of it, and after its last use, because an adopted socket may still bring a request. A connection whose last response announced
   * its end closes by itself once the client has read that.
   */
  #leaveOf(connection: Connection): number {
    const idleMs = connection.state !== 'open' ? Math.max(this.#idleMs, CLOSING_MS) : this.#idleMs;
    return Math.max(connection.lastUseAt, this.#began) + idleMs;
  }

  #finish(): void {
    clearInterval(this.#timer);
    this.#connections.keepTimes = false;
    this.#end.resolve(this.#unfinished);
  }
}
