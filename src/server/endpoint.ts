/**
 * Where a server listens: the address it was told, the socket it was handed instead, and after the start the real port.
 */
import { closeSync } from 'node:fs';
import { createServer, type Server as NetServer } from 'node:net';
import type { Logger } from '../log/index.js';
import type { ListenAddress, ListenSocket } from '../service/index.js';
import { formatAddress } from '../service/internal.js';
import { listen } from './listen.js';

const DEFAULT_BACKLOG = 511;

/** One address of a server. */
export class Endpoint {
  #address: ListenAddress;
  #sockets: readonly ListenSocket[] = [];

  constructor(address: ListenAddress) {
    this.#address = address;
  }

  get address(): ListenAddress {
    return this.#address;
  }

  /** Listens on the first of these instead of binding. */
  useSockets(sockets: readonly ListenSocket[]): void {
    this.#sockets = sockets;
    const handed = sockets[0]?.address;
    if (handed !== undefined) this.#address = { backlog: this.#address.backlog ?? DEFAULT_BACKLOG, ...handed };
  }

  /** Settles once `server` accepts. Rejects with the system's error code, and says so in the log. */
  async open(server: NetServer, name: string, log: Logger): Promise<void> {
    const backlog = this.#address.backlog ?? DEFAULT_BACKLOG;
    try {
      this.#address = await listen(server, { address: this.#address, socket: this.#sockets[0], backlog });
    } catch (error) {
      log.error(`Could not bind to ${formatAddress(this.#address)}`);
      throw error;
    }
    // A socket that was handed over has been announced by the process that bound it.
    log[this.#sockets.length === 0 ? 'info' : 'debug'](`${name} listening on ${formatAddress(this.#address)}`);
    this.#sockets = [];
  }

  /** Accepts on another socket as well; connections are `server`'s. Gives the function that ends it. */
  async adopt(server: NetServer, socket: ListenSocket): Promise<() => void> {
    const more = createServer({ allowHalfOpen: true, noDelay: true }, (connection) => {
      server.emit('connection', connection);
    });
    await listen(more, { address: socket.address, socket, backlog: this.#address.backlog ?? DEFAULT_BACKLOG });
    const end = (): void => void more.close();
    server.once('close', end);
    return () => {
      server.off('close', end);
      end();
    };
  }

  /** Closes what was handed over but never listened on: held open it would swallow connections. */
  closeUnused(): void {
    for (const { fd } of this.#sockets) closeSync(fd);
    this.#sockets = [];
  }
}
