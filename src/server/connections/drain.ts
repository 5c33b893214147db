/**
 * The end of a server's connections: requests at work are answered, idle connections are given a moment for the request
 * that may already be on its way, and what is left when there is no more time is cut.
 *
 * `http.Server.close()` is not used for this: it destroys idle connections at once, and a request that the client has
 * sent by then is lost. `net.Server`'s own `close`, called by the server before this, only stops accepting.
 */
import type { Connection, ConnectionList, Exchange } from './connections.js';

/** How long a connection whose end was announced may take to close. */
const CLOSING_MS = 1500;

/** Waits until a list of connections is empty, and helps it along. */
export class Drain {
  /** Settles when no connection is left, with what had to be cut off: empty after a clean end. */
  readonly done: Promise<readonly Exchange[]>;
  readonly #connections: ConnectionList;
  readonly #began = performance.now();
  #resolve!: (unfinished: readonly Exchange[]) => void;
  #idleMs = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;

  /** The listener is closed by now, and every answer to come says that its connection ends. */
  constructor(connections: ConnectionList) {
    this.#connections = connections;
    connections.keepTimes = true;
    this.done = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.closed();
  }

  /** Closes connections that have been idle for `idleMs` since their last answer. A longer time changes nothing. */
  hurry(idleMs: number): void {
    if (idleMs >= this.#idleMs) return;
    this.#idleMs = idleMs;
    this.#closeIdle();
  }

  /** To be called when a connection has become idle. */
  idle(connection: Connection): void {
    this.#wakeAt(this.#leaveOf(connection));
  }

  /** To be called when a connection is gone. */
  closed(): void {
    if (this.#connections.size === 0) this.#finish([]);
  }

  /** Ends everything now. */
  cut(): void {
    const unfinished: Exchange[] = [];
    for (const connection of this.#connections) unfinished.push(...connection.exchanges);
    for (const connection of this.#connections) connection.socket.destroy();
    this.#finish(unfinished);
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
    // Node runs a timer above this limit after 1 ms.
    if (time >= this.#timerAt || ms >= 2 ** 31) return;
    clearTimeout(this.#timer);
    this.#timerAt = time;
    this.#timer = setTimeout(this.#closeIdle, ms);
  }

  /**
   * When an idle connection has had its time: never less than `idleMs` from the beginning, when its client could not
   * know yet, or from its acceptance, for on an adopted socket some may still come. One whose last answer said that it
   * ends is about to be closed anyway, once its client has read that.
   */
  #leaveOf(connection: Connection): number {
    const idleMs = connection.ended ? Math.max(this.#idleMs, CLOSING_MS) : this.#idleMs;
    return Math.max(connection.lastUseAt, this.#began) + idleMs;
  }

  #finish(unfinished: readonly Exchange[]): void {
    clearTimeout(this.#timer);
    this.#connections.keepTimes = false;
    this.#resolve(unfinished);
  }
}

/**
 * Tells the client not to use the connection again, if the head can still say so; Node then closes it by itself. Of
 * pipelined requests only the last may say it, for nothing after such an answer is sent: none while others wait.
 */
export function announceClose(connection: Connection): void {
  const { exchanges, ended, waits } = connection;
  if (waits && !ended) return;
  const last = exchanges.length - 1;
  for (let i = 0; i <= last; i++) {
    const { res } = exchanges[i]!;
    if (res.headersSent) continue;
    if (i === last) res.setHeader('connection', 'close');
    else res.removeHeader('connection');
  }
}
