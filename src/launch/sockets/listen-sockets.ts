/**
 * Bound sockets that the supervisor keeps for its whole life, without listening, and that workers inherit.
 *
 * Binding without listening is not in Node's documented API before `net.BoundSocket` (Node 24): this file makes the one
 * undocumented call, `net._createServerHandle`, and nothing else does.
 */
import { lookup } from 'node:dns/promises';
import { chmodSync, existsSync, lstatSync, unlinkSync } from 'node:fs';
import net, { isIP } from 'node:net';
import { dirname } from 'node:path';
import { getSystemErrorName } from 'node:util';
import type { ListenAddress } from '../../service/index.js';

/** What `_createServerHandle` gives: libuv's handle. */
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

/** The sockets of one address of one service. */
export interface ListenSockets {
  /** What they are bound to, with the real port. */
  readonly address: ListenAddress;
  /** Their descriptors: one for each slot, or one that all workers share. */
  readonly descriptors: readonly number[];
  /** Closes this process's copies, and removes the file of a unix socket. */
  close(): void;
}

/**
 * Binds an address. Rejects with the system's code: `EADDRINUSE` for an address that is taken, with a message that names
 * it. Port 0 gives a port of the system's choice.
 *
 * With `slots` above 0 there is one socket for each slot, among which the kernel spreads the connections, where the
 * platform can do that; else, and for unix sockets, one.
 */
export async function openListenSockets(address: ListenAddress, slots = 0): Promise<ListenSockets> {
  if ('path' in address) return openUnix(address);
  const resolved = isIP(address.host) === 0 ? await lookup(address.host) : undefined;
  const host = resolved?.address ?? address.host;
  const family = isIP(host) === 6 ? 6 : 4;
  const shown = describeAddress(address);
  // First without SO_REUSEPORT, with which two programs of one user would share a port in silence.
  const handle = bind(host, address.port, family, shown);
  const name: { port?: number } = {};
  handle.getsockname?.(name);
  const port = name.port ?? address.port;
  const bound = { ...address, port };
  if (slots === 0 || !canReusePort()) {
    return { address: bound, descriptors: [handle.fd], close: once(() => handle.close()) };
  }
  handle.close();
  const handles: ServerHandle[] = [];
  const close = once(() => {
    for (const slot of handles) slot.close();
  });
  try {
    while (handles.length < slots) handles.push(bind(host, port, family, shown, UV_TCP_REUSEPORT));
  } catch (error) {
    close();
    throw error;
  }
  return { address: bound, descriptors: handles.map(({ fd }) => fd), close };
}

/** libuv's flag for SO_REUSEPORT with load balancing; older versions ignore it. */
const UV_TCP_REUSEPORT = 2;

/**
 * Whether several sockets can listen on one port. Asked of the system and not of a version: with the flag ignored, the
 * second bind finds the address in use.
 */
function canReusePort(): boolean {
  if (process.platform !== 'linux' && process.platform !== 'freebsd') return false;
  const handles: ServerHandle[] = [];
  try {
    const first = bind('127.0.0.1', 0, 4, '127.0.0.1', UV_TCP_REUSEPORT);
    handles.push(first);
    const name: { port?: number } = {};
    first.getsockname?.(name);
    if (first.listen?.(1) !== 0) return false;
    handles.push(bind('127.0.0.1', name.port ?? 0, 4, '127.0.0.1', UV_TCP_REUSEPORT));
    return true;
  } catch {
    return false;
  } finally {
    for (const handle of handles) handle.close();
  }
}

/** What a descriptor is bound to; for one that does not say, as a unix socket's, the address it is meant for. */
export function addressOfDescriptor(descriptor: number, meant: ListenAddress): ListenAddress {
  const { _createServerHandle: create } = net as unknown as { _createServerHandle: CreateServerHandle };
  const name: { address?: string; port?: number } = {};
  // The handle is only asked, and never closed: that would close the descriptor.
  const handle = create(null, null, null, descriptor);
  if (typeof handle === 'number' || handle.getsockname?.(name) !== 0) return meant;
  if (name.address === undefined || name.port === undefined) return meant;
  return { ...(meant.backlog === undefined ? {} : { backlog: meant.backlog }), host: name.address, port: name.port };
}

/** `127.0.0.1:8774`, `[::1]:8774` or the path. */
export function describeAddress(address: ListenAddress): string {
  if ('path' in address) return address.path;
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

async function openUnix(address: Extract<ListenAddress, { path: string }>): Promise<ListenSockets> {
  await removeStale(address.path);
  const folder = dirname(address.path);
  // bind(2) says ENOENT, for which libuv says EACCES.
  if (!address.path.startsWith('\0') && !existsSync(folder))
    throw taken('ENOENT', address.path, `the folder ${folder} does not exist`);
  const handle = bind(address.path, -1, -1, address.path);
  // Group members may connect, others not, whatever the umask. Nobody listens yet, so nobody slipped in before.
  chmodSync(address.path, 0o660);
  const close = (): void => {
    handle.close();
    try {
      unlinkSync(address.path);
    } catch {
      // Closing the handle removed it, or somebody else did.
    }
  };
  return { address, descriptors: [handle.fd], close: once(close) };
}

/** A socket file that nobody answers on is left from a process that was killed; anything else is not ours to remove. */
async function removeStale(path: string): Promise<void> {
  let isSocket: boolean;
  try {
    isSocket = lstatSync(path).isSocket();
  } catch {
    return;
  }
  if (!isSocket || (await answers(path))) throw taken('EADDRINUSE', path);
  unlinkSync(path);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = net.connect({ path });
    const done = (alive: boolean): void => {
      probe.destroy();
      resolve(alive);
    };
    probe.once('connect', () => done(true));
    probe.once('error', (error: NodeJS.ErrnoException) => done(error.code !== 'ECONNREFUSED'));
  });
}

function bind(address: string, port: number, family: 4 | 6 | -1, shown: string, flags?: number): ServerHandle {
  const { _createServerHandle: create } = net as unknown as { _createServerHandle: CreateServerHandle };
  const handle = flags === undefined ? create(address, port, family) : create(address, port, family, undefined, flags);
  if (typeof handle === 'number') throw taken(getSystemErrorName(handle), shown);
  // libuv keeps "address in use" for the first listen; asking for the name brings it to light.
  const status = handle.getsockname?.({}) ?? 0;
  if (status === 0) return handle;
  handle.close();
  throw taken(getSystemErrorName(status), shown);
}

function taken(code: string, shown: string, why = REASONS[code] ?? 'the system refused it'): NodeJS.ErrnoException {
  const message = `Could not bind to ${shown}: ${why} (${code})`;
  return Object.assign(new Error(message), { code, syscall: 'bind', address: shown });
}

/** What the codes of bind(2) mean to an operator. */
const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the address is in use already',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'permission denied',
  EAFNOSUPPORT: 'this machine does not speak that kind of address',
  EINVAL: 'the system does not take it as an address',
  ENAMETOOLONG: 'the path is too long',
};

function once(work: () => void): () => void {
  let done = false;
  return () => {
    if (!done) work();
    done = true;
  };
}
