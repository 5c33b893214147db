/**
 * Connections that stop being HTTP: WebSocket and the like. Node's server loses sight of them; here they stay in the list
 * of connections until they are closed, and are told when the server drains.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { Fault } from '../../app/index.js';
import { offerUpgrade } from '../../app/internal.js';
import { DirectResponse } from '../../wire/index.js';
import { requestFacts } from '../requests/run-app.js';
import type { Connection } from './connections.js';

/** The upgraded connections of one server. */
export class Upgrades {
  readonly #open = new Map<Connection, { readonly target: string; readonly since: number }>();
  #closing = new AbortController();

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

  /**
   * The response to a request with `Upgrade`, for which Node makes none. An app may take the connection instead
   * (`takeUpgrade`); then the response ends with 101, of which nothing is sent.
   */
  answerTo(req: IncomingMessage, connection: Connection, head: Buffer): DirectResponse {
    const { socket } = connection;
    const res = new DirectResponse(req);
    res.shouldKeepAlive = false;
    res.assignSocket(socket);
    const end = (): void => socket.destroySoon();
    res.once('finish', end);
    // Node has taken its own listeners off the socket.
    socket.on('error', () => socket.destroy());
    socket.on('drain', () => res.emit('drain'));
    socket.once('close', () => req.destroy());
    offerUpgrade(req, () => {
      if (this.#closing.signal.aborted) throw new Fault(503, { message: 'The service is stopping.' });
      res.off('finish', end);
      this.#take(req, res, connection);
      return { socket, head, closing: this.#closing.signal };
    });
    return res;
  }

  #take(req: IncomingMessage, res: DirectResponse, connection: Connection): void {
    const { socket } = connection;
    const { method, path } = requestFacts(req);
    this.#open.set(connection, { target: `${method} ${path}`, since: performance.now() });
    connection.raw.once('close', () => this.#open.delete(connection));
    connection.upgraded = true;
    // Its times were those of HTTP.
    socket.setTimeout(0);
    res.detachSocket(socket);
    const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
    res.assignSocket(nowhere as Socket);
    res.once('finish', () => nowhere.destroy());
    res.writeHead(101).end();
  }
}
