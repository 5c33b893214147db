/**
 * Address of a server: configured, or of a socket that was passed in; after the start with the actual port.
 */
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import type { AddressInfo, Server as NetServer } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { workerAssignment } from '../config/internal.js';
import { PorticoError } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import { createWithMode, removeStaleSocket } from '../process/index.js';
import type { ListenAddress, ListenSocket } from '../service/index.js';
import { BindError, formatAddress } from '../service/internal.js';
import { moveListener } from '../wire/index.js';

/** Default number of connections that wait to be accepted, as in Node. */
export const DEFAULT_BACKLOG = 511;
/** Time of a turn of an event loop with little to do. */
const QUICK_MS = 1;
/** Most slower turns without a new connection for which a stop continues to accept. */
const SLOW_TURNS = 100;

/** One address of a server. */
export class Endpoint {
  /** The address; after the start with the actual port. */
  address: ListenAddress;
  #sockets: readonly ListenSocket[] = [];

  constructor(address: ListenAddress) {
    this.address = address;
  }

  get #backlog(): number {
    return this.address.backlog ?? DEFAULT_BACKLOG;
  }

  /** Listens on the first of these in place of binding. */
  useSockets(sockets: readonly ListenSocket[]): void {
    this.#sockets = sockets;
    const handed = sockets[0]?.address;
    if (handed !== undefined) this.address = { backlog: this.#backlog, ...handed };
  }

  /** Settles when `server` accepts. Rejects with the system's error code, and logs the address. */
  async open(server: NetServer, name: string, log: Logger): Promise<void> {
    const [socket] = this.#sockets;
    // Node closes it if it cannot listen on it.
    this.#sockets = [];
    try {
      this.address = await listen(server, this.address, this.#backlog, socket);
    } catch (error) {
      log.error(`Could not bind to ${formatAddress(this.address)}`);
      throw error;
    }
    // The process that bound a passed socket has announced it.
    log[socket === undefined ? 'info' : 'debug'](`${name} listening on ${formatAddress(this.address)}`);
  }

  /**
   * Waits until no connection is left in the kernel's queue, because the system resets those in it when the last process closes the socket.
   * Settles at the latest after as many connections as the queue can hold: later ones came after the stop.
   */
  async acceptWaiting(server: NetServer, over: AbortSignal): Promise<void> {
    if (over.aborted) return;
    let accepted = 0;
    const count = (): void => {
      accepted += 1;
    };
    server.on('connection', count);
    // The present turn may have polled already.
    await turn();
    // A turn accepts one connection of a socket, and runs earlier requests. After the poll of a slow turn, others may
    // have come.
    for (let slow = 0; slow < SLOW_TURNS && accepted < this.#backlog && !over.aborted; ) {
      const [before, began] = [accepted, performance.now()];
      await turn();
      if (accepted > before) continue;
      if (performance.now() - began <= QUICK_MS) break;
      slow += 1;
    }
    server.off('connection', count);
  }

  /** Moves the socket from a server that listens to the next one. */
  move(from: NetServer, to: NetServer): void {
    moveListener(from, to, this.#backlog);
  }

  /** Closes passed sockets that were never listened on: an open one would still receive connections. */
  closeUnused(): void {
    for (const { fd } of this.#sockets) closeSync(fd);
    this.#sockets = [];
  }
}

/**
 * Settles when the server accepts, on the bound socket or else on the address, with the actual address (port 0 is
 * replaced). Rejects with the system's own error code (`EADDRINUSE`, `EACCES`, …) and a message that names the address.
 *
 * A unix socket gets mode 0660; a socket file without a listener is replaced, a live one is not.
 */
async function listen(
  server: NetServer,
  address: ListenAddress,
  backlog: number,
  socket: ListenSocket | undefined,
): Promise<ListenAddress> {
  const path = socket === undefined && 'path' in address ? address.path : undefined;
  if (path !== undefined) await removeStaleSocket(path);
  const begin = (): void => {
    if (socket !== undefined) server.listen({ fd: socket.fd, backlog });
    else if ('path' in address) server.listen({ path: address.path, backlog });
    else server.listen({ host: address.host, port: address.port, backlog, exclusive: true });
  };
  const listening = once(server, 'listening');
  if (path === undefined || path.startsWith('\0')) begin();
  else createWithMode(path, 0o660, begin);
  await listening.catch((error: NodeJS.ErrnoException) => {
    throw cannotBind(address, error);
  });
  return 'path' in address ? address : { ...address, port: (server.address() as AddressInfo).port };
}

function cannotBind(address: ListenAddress, cause: NodeJS.ErrnoException): PorticoError {
  const bind = new BindError(cause.code ?? 'PORTICO_BIND', address, { otherwise: cause.message, cause });
  // All workers of the service use this address, unless their parent has bound it.
  const hasSiblings = (workerAssignment()?.workers ?? 1) > 1;
  const hint = bind.code === 'EADDRINUSE' && hasSiblings ? SIBLING : bind.hint;
  return new PorticoError(bind.code, { message: bind.message, hint, cause });
}

const SIBLING =
  'Most likely another worker of this service listens there. Implement `addresses` and `useSockets(sockets)` in the service and forward them to its Server: the parent then binds the address once for all workers. Otherwise choose another address.';
