/**
 * Opens a listener: on a host and port, on a unix path, or on a bound socket that a launcher has handed over.
 */
import { lstatSync, unlinkSync } from 'node:fs';
import type { AddressInfo, Server as NetServer } from 'node:net';
import { PorticoError } from '../errors/index.js';
import { connectError, createWithMode } from '../process/index.js';
import type { ListenAddress, ListenSocket } from '../service/index.js';
import { formatAddress } from '../service/internal.js';

/** What to listen on. */
export interface ListenTarget {
  readonly address: ListenAddress;
  /** A bound socket for that address; without it the address is bound here. */
  readonly socket?: ListenSocket | undefined;
  /** Connections the kernel holds until they are accepted. */
  readonly backlog: number;
}

/**
 * Settles once the server accepts, with the address it accepts on (port 0 has become a real one). Rejects with the
 * system's own error code (`EADDRINUSE`, `EACCES`, …) and a message that names the address.
 *
 * A unix path gets mode 0660; a socket file without a listener is replaced, a live one is not.
 */
export async function listen(server: NetServer, target: ListenTarget): Promise<ListenAddress> {
  const { address, socket, backlog } = target;
  if (socket === undefined && 'path' in address) await removeStaleSocket(address.path);
  const options =
    socket !== undefined
      ? { fd: socket.fd, backlog }
      : 'path' in address
        ? { path: address.path, backlog }
        : { host: address.host, port: address.port, backlog, exclusive: true };
  await new Promise<void>((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) => {
      server.off('listening', onListening);
      reject(cannotBind(address, error));
    };
    const onListening = () => {
      server.off('error', onError);
      resolve();
    };
    server.once('error', onError);
    server.once('listening', onListening);
    const begin = (): unknown => server.listen(options);
    if (socket !== undefined || !('path' in address) || address.path.startsWith('\0')) begin();
    else createWithMode(address.path, 0o660, begin);
  });
  if ('path' in address) return address;
  const bound = server.address() as AddressInfo;
  return { ...address, port: bound.port };
}

function cannotBind(address: ListenAddress, error: NodeJS.ErrnoException): PorticoError {
  const code = error.code ?? 'PORTICO_BIND';
  return new PorticoError(code, {
    message: `Could not bind to ${formatAddress(address)}: ${REASONS[code] ?? error.message}.`,
    hint: HINTS[code],
    cause: error,
  });
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the address is already in use (EADDRINUSE)',
  EADDRNOTAVAIL: 'this machine has no such address (EADDRNOTAVAIL)',
  EACCES: 'permission denied (EACCES)',
  ENOTFOUND: 'the host name is unknown (ENOTFOUND)',
};

const HINTS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'Stop the program that listens there, or choose another address.',
  EADDRNOTAVAIL: 'Listen on an address of this machine, 127.0.0.1 or 0.0.0.0.',
  EACCES: 'Ports below 1024 need a privilege; choose a higher one, or have systemd pass the socket.',
};

async function removeStaleSocket(path: string): Promise<void> {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSocket()) return;
  if ((await connectError(path)) === 'ECONNREFUSED') unlinkSync(path);
}
