/**
 * Binds without listening: by `net.BoundSocket` (Node 24.21, 26.10), or by an undocumented call of older versions. No
 * other file uses that call.
 */
import type { SendHandle } from 'node:child_process';
import net from 'node:net';
import { getSystemErrorName } from 'node:util';

/** A bound socket that does not listen yet. */
export interface BoundHandle {
  readonly fd: number;
  /** Actual port; undefined for a unix socket. */
  readonly port: number | undefined;
  close(): void;
}

/** An address to bind: a numeric host and a port, or the path of a unix socket. */
export type BindTo =
  | { readonly host: string; readonly port: number; readonly family: 4 | 6; readonly reusePort?: boolean }
  | { readonly path: string };

/** `net.BoundSocket`, which is missing in the types of the oldest Node. */
type BoundSocketClass = new (
  options: { host: string; port: number; reusePort: boolean } | { path: string },
) => { fd(): number; address(): { port: number } | string; close(): void };

/** Result of `_createServerHandle`: libuv's handle. */
interface ServerHandle {
  readonly fd: number;
  close(): void;
  listen?(backlog: number): number;
  getsockname?(name: { address?: string; port?: number }): number;
}

type CreateServerHandle = (
  address: string | null,
  port: number | null,
  family: 4 | 6 | -1 | null,
  fd?: number,
  flags?: number,
) => ServerHandle | number;

const { BoundSocket, _createServerHandle: create } = net as unknown as {
  BoundSocket?: BoundSocketClass;
  _createServerHandle: CreateServerHandle;
};

/** libuv's flag for SO_REUSEPORT with load balancing; older versions ignore it. */
const UV_TCP_REUSEPORT = 2;

/** Binds an address; throws the error that `refused` returns for the system's code, such as `EADDRINUSE`. */
export function bindSocket(to: BindTo, refused: (code: string) => Error): BoundHandle {
  if (BoundSocket === undefined) {
    const handle = createHandle(to, refused);
    return { fd: handle.fd, port: nameOf(handle)?.port, close: () => handle.close() };
  }
  try {
    const socket = new BoundSocket('path' in to ? to : { reusePort: false, ...to });
    const address = socket.address();
    return {
      fd: socket.fd(),
      port: typeof address === 'string' ? undefined : address.port,
      close: () => socket.close(),
    };
  } catch (error) {
    throw refused((error as NodeJS.ErrnoException).code ?? String(error));
  }
}

/**
 * Reports whether several sockets can listen on one port. Tests the system rather than its version: if it ignores the
 * flag, the second bind of a port with a listener fails.
 */
export function canReusePort(): boolean {
  if (process.platform !== 'linux' && process.platform !== 'freebsd') return false;
  const to = { host: '127.0.0.1', port: 0, family: 4, reusePort: true } as const;
  const refused = (code: string): Error => new Error(code);
  const open: { close(): void }[] = [];
  try {
    if (BoundSocket === undefined) {
      const first = createHandle(to, refused);
      open.push(first);
      if (first.listen?.(1) !== 0) return false;
      open.push(createHandle({ ...to, port: nameOf(first)?.port ?? 0 }, refused));
    } else open.push(bindSocket(to, refused));
    return true;
  } catch {
    return false;
  } finally {
    for (const socket of open) socket.close();
  }
}

/** Returns the name that an inherited descriptor is bound to; undefined if it has none, as a unix socket. */
export function nameOfDescriptor(descriptor: number): { address: string; port: number } | undefined {
  // The handle is never closed: that would close the descriptor.
  const handle = create(null, null, null, descriptor);
  return typeof handle === 'number' ? undefined : nameOf(handle);
}

/**
 * Returns a descriptor in the form that a channel sends; undefined if it is not a socket. It must never be closed: that
 * would close the descriptor.
 */
export function sendable(descriptor: number): SendHandle | undefined {
  const handle = create(null, null, null, descriptor);
  return typeof handle === 'number' ? undefined : (handle as unknown as SendHandle);
}

function createHandle(to: BindTo, refused: (code: string) => Error): ServerHandle {
  const handle =
    'path' in to
      ? create(to.path, -1, -1)
      : create(to.host, to.port, to.family, undefined, to.reusePort === true ? UV_TCP_REUSEPORT : undefined);
  if (typeof handle === 'number') throw refused(getSystemErrorName(handle));
  // libuv reports "address in use" at the first listen only; the query of the name reveals it.
  const status = handle.getsockname?.({}) ?? 0;
  if (status === 0) return handle;
  handle.close();
  throw refused(getSystemErrorName(status));
}

function nameOf(handle: ServerHandle): { address: string; port: number } | undefined {
  const name: { address?: string; port?: number } = {};
  if (handle.getsockname?.(name) !== 0 || name.address === undefined || name.port === undefined) return undefined;
  return { address: name.address, port: name.port };
}
