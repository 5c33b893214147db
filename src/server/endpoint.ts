/**
 * Address of a server: the configured one, the socket it was handed instead, and after the start the real port.
 */
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { type AddressInfo, createServer, type Server as NetServer } from 'node:net';
import { workerAssignment } from '../config/internal.js';
import { PorticoError } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import { createWithMode, removeStaleSocket } from '../process/index.js';
import type { ListenAddress, ListenSocket } from '../service/index.js';
import { BindError, formatAddress } from '../service/internal.js';

/** So many connections wait to be accepted where nothing else is asked for, as in Node. */
export const DEFAULT_BACKLOG = 511;

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

  get #backlog(): number {
    return this.#address.backlog ?? DEFAULT_BACKLOG;
  }

  /** Listens on the first of these instead of binding. */
  useSockets(sockets: readonly ListenSocket[]): void {
    this.#sockets = sockets;
    const handed = sockets[0]?.address;
    if (handed !== undefined) this.#address = { backlog: this.#backlog, ...handed };
  }

  /** Settles once `server` accepts. Rejects with the system's error code, and says so in the log. */
  async open(server: NetServer, name: string, log: Logger): Promise<void> {
    const [socket] = this.#sockets;
    // Node closes it where it cannot listen on it.
    this.#sockets = [];
    try {
      this.#address = await listen(server, this.#address, this.#backlog, socket);
    } catch (error) {
      log.error(`Could not bind to ${formatAddress(this.#address)}`);
      throw error;
    }
    // A socket that was handed over has been announced by the process that bound it.
    log[socket === undefined ? 'info' : 'debug'](`${name} listening on ${formatAddress(this.#address)}`);
  }

  /** Accepts on another socket as well; connections are `server`'s. Gives the function that ends it. */
  async adopt(server: NetServer, socket: ListenSocket): Promise<() => void> {
    const more = createServer({ allowHalfOpen: true, noDelay: true }, (connection) => {
      server.emit('connection', connection);
    });
    await listen(more, socket.address, this.#backlog, socket);
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

/**
 * Settles once the server accepts, on the bound socket or else on the address, with the address it accepts on (port 0 has
 * become a real one). Rejects with the system's own error code (`EADDRINUSE`, `EACCES`, …) and a message that names the address.
 *
 * A unix path gets mode 0660; a socket file without a listener is replaced, a live one is not.
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
  const hint = bind.code === 'EADDRINUSE' && hasSiblings() ? SIBLING : bind.hint;
  return new PorticoError(bind.code, { message: bind.message, hint, cause });
}

/** In a worker every other worker of the service comes here too, unless its parent has bound the address for all. */
function hasSiblings(): boolean {
  return (workerAssignment()?.workers ?? 1) > 1;
}

const SIBLING =
  'Most likely another worker of this service listens there. Implement `addresses` and `useSockets(sockets)` in the service and forward them to its Server: the parent then binds the address once for all workers. Otherwise choose another address.';
