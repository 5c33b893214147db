/**
 * Connections that stop being HTTP: WebSocket and the like. Node's server loses sight of them; here they stay in the list
 * of connections until they are closed, and are told when the server drains.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from '../../log/index.js';
import type { Awaitable } from '../../service/index.js';
import type { Connection } from './connections.js';

/**
 * Takes over the connection of a request with `Upgrade`: `socket` and `head` are those of Node's `upgrade` event, and
 * whatever is to be answered the handler writes itself. `closing` is raised when the server begins to drain: end the
 * session politely then (a WebSocket's close frame); at the deadline the socket is destroyed. No filter sees the request,
 * so the handler is the one to ask who calls.
 */
export type UpgradeHandler = (
  req: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  closing: AbortSignal,
) => Awaitable<void>;

/** The upgraded connections of one server. */
export class Upgrades {
  readonly #handler: UpgradeHandler;
  readonly #open = new Map<Connection, { readonly target: string; readonly since: number }>();
  #closing = new AbortController();

  readonly #log: Logger;

  constructor(handler: UpgradeHandler, log: Logger) {
    this.#handler = handler;
    this.#log = log;
  }

  /** The server serves: sessions may last. */
  begin(): void {
    if (this.#closing.signal.aborted) this.#closing = new AbortController();
  }

  /** The server drains. */
  end(): void {
    this.#closing.abort();
  }

  /** Those that are open, a line each. */
  describe(): string[] {
    const now = performance.now();
    return [...this.#open.values()].map(
      ({ target, since }) => `upgraded ${target} for ${((now - since) / 1000).toFixed(1)} s`,
    );
  }

  /** Hands a connection to the handler. One that throws ends that connection, and no other. */
  take(connection: Connection, req: IncomingMessage, head: Buffer): void {
    const { socket } = connection;
    connection.upgraded = true;
    const [path] = (req.url ?? '').split('?', 1);
    this.#open.set(connection, { target: `${req.method} ${path}`, since: performance.now() });
    connection.raw.once('close', () => this.#open.delete(connection));
    // Node has taken its own listeners off the socket, and its times are those of HTTP.
    socket.on('error', () => socket.destroy());
    socket.setTimeout(0);
    const handled = (async () => this.#handler(req, socket, head, this.#closing.signal))();
    handled.catch((error: unknown) => {
      this.#log.error(`the handler of upgrades failed for ${req.method} ${path}`, { err: error });
      socket.destroy();
    });
  }
}
