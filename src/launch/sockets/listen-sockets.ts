/**
 * Bound sockets that the supervisor keeps, without listening, while a service holds them, and that workers inherit; and what is said
 * where an address cannot be bound.
 */
import { lookup } from 'node:dns/promises';
import { existsSync, lstatSync, unlinkSync } from 'node:fs';
import { isIP } from 'node:net';
import { dirname } from 'node:path';
import { describeError, PorticoError } from '../../errors/index.js';
import { connectError, createWithMode } from '../../process/index.js';
import type { ListenAddress } from '../../service/index.js';
import { formatAddress } from '../../service/internal.js';
import { holderOf } from './address-holder.js';
import { type BoundHandle, bindSocket, canReusePort, nameOfDescriptor } from './bind.js';

/** The sockets of one address of one service. */
export interface ListenSockets {
  /** Address that they are bound to, with the real port. */
  readonly address: ListenAddress;
  /** Their descriptors: one for each slot, or one that all workers share. */
  readonly descriptors: readonly number[];
  /** Opens sockets up to so many slots. Undefined where all workers share one. Throws with the system's code. */
  grow?(slots: number): void;
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
  const refused = (code: string): Error => new BindError(code, address);
  // First without SO_REUSEPORT, with which two programs of one user would share a port in silence.
  const handle = bindSocket({ host, port: address.port, family }, refused);
  const port = handle.port ?? address.port;
  const bound = { ...address, port };
  if (slots === 0 || !canReusePort()) {
    return { address: bound, descriptors: [handle.fd], close: once(() => handle.close()) };
  }
  handle.close();
  const handles: BoundHandle[] = [];
  let descriptors: readonly number[] = [];
  const grow = (count: number): void => {
    try {
      while (handles.length < count) handles.push(bindSocket({ host, port, family, reusePort: true }, refused));
    } finally {
      descriptors = handles.map(({ fd }) => fd);
    }
  };
  const close = (): void => {
    for (const slot of handles.splice(0)) slot.close();
    descriptors = [];
  };
  try {
    grow(slots);
  } catch (error) {
    close();
    throw error;
  }
  return {
    address: bound,
    get descriptors() {
      return descriptors;
    },
    grow,
    close,
  };
}

/** Address that a descriptor is bound to; for one without a name, as a unix socket's, the address it is meant for. */
export function addressOfDescriptor(descriptor: number, meant: ListenAddress): ListenAddress {
  const name = nameOfDescriptor(descriptor);
  if (name === undefined) return meant;
  return { ...(meant.backlog === undefined ? {} : { backlog: meant.backlog }), host: name.address, port: name.port };
}

async function openUnix(address: UnixAddress): Promise<ListenSockets> {
  await removeStale(address);
  const folder = dirname(address.path);
  // bind(2) says ENOENT, for which libuv says EACCES.
  if (!address.path.startsWith('\0') && !existsSync(folder))
    throw new BindError('ENOENT', address, `the folder ${folder} does not exist`);
  const bind = (): BoundHandle => bindSocket({ path: address.path }, (code) => new BindError(code, address));
  // Group members may connect, others not, whatever the umask.
  const handle = address.path.startsWith('\0') ? bind() : createWithMode(address.path, 0o660, bind);
  const close = (): void => {
    handle.close();
    try {
      unlinkSync(address.path);
    } catch {
      // Closing the handle removed it, or another process did.
    }
  };
  return { address, descriptors: [handle.fd], close: once(close) };
}

/** A socket file without a listener is left from a process that was killed; anything else is not ours to remove. */
async function removeStale(address: UnixAddress): Promise<void> {
  const { path } = address;
  let isSocket: boolean;
  try {
    isSocket = lstatSync(path).isSocket();
  } catch {
    return;
  }
  if (!isSocket || (await connectError(path)) !== 'ECONNREFUSED') throw new BindError('EADDRINUSE', address);
  unlinkSync(path);
}

type UnixAddress = Extract<ListenAddress, { path: string }>;

/** An address that could not be bound, with the system's code. */
export class BindError extends Error {
  readonly syscall = 'bind';
  readonly code: string;
  readonly address: ListenAddress;

  constructor(code: string, address: ListenAddress, why = REASONS[code] ?? 'the system refused it') {
    super(`Could not bind to ${'path' in address ? address.path : formatAddress(address)}: ${why} (${code})`);
    this.code = code;
    this.address = address;
  }
}

/** Meaning of bind(2)'s error codes for an operator. */
const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the address is already in use',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'permission denied',
  EAFNOSUPPORT: 'this machine does not support this kind of address',
  EINVAL: 'the system does not accept it as an address',
  ENAMETOOLONG: 'the path is too long',
};

function once(work: () => void): () => void {
  let done = false;
  return () => {
    if (!done) work();
    done = true;
  };
}

/** Whose address it is. */
export interface AddressOwner {
  readonly name: string;
  /** Place of the address in the configuration: `file:line:column`. */
  readonly place?: string | undefined;
}

/** The complete error for one address of a service that could not be bound. */
export function bindFailure({ name, place }: AddressOwner, error: unknown): PorticoError {
  if (error instanceof PorticoError) return error;
  const { code = '', message, hostname } = error as LookupError;
  const where = place === undefined || place === '' ? '' : `${place}: `;
  const what = hostname === undefined ? message : `no address is known for ${hostname} (${code})`;
  return new PorticoError(code === 'EADDRINUSE' ? 'PORTICO_ADDRESS_TAKEN' : 'PORTICO_START_FAILED', {
    message: `${where}${name}: ${what}`,
    cause: error,
    hint: error instanceof BindError ? HINTS[code]?.(error.address) : hostname && lookItUp(hostname),
  });
}

/** Of getaddrinfo(3), which says for which name. */
type LookupError = NodeJS.ErrnoException & { readonly hostname?: string };

/** Remedies for an operator, by the code of bind(2). */
const HINTS: Readonly<Record<string, (address: ListenAddress) => string | undefined>> = {
  EADDRINUSE: whoHasIt,
  EACCES: (address) =>
    'path' in address
      ? undefined
      : 'Ports below 1024 require CAP_NET_BIND_SERVICE (AmbientCapabilities= in a unit), or a socket opened by the service manager.',
  EADDRNOTAVAIL: () => 'List its addresses with: ip addr. 0.0.0.0 means all of them.',
};

function lookItUp(host: string): string {
  return `Is it spelled correctly? See what it resolves to with: getent hosts ${host}`;
}

/** One error of all failures, of which there is at least one. */
export function bindFailures(failures: readonly PorticoError[]): PorticoError {
  const [first, ...others] = failures;
  if (others.length === 0) return first!;
  const message = failures.map((each) => describeError(each)).join('\n');
  return new PorticoError(first!.code, { message, cause: first });
}

/** The process that listens there, or how an operator finds it: the system tells of other users' to root only. */
function whoHasIt(address: ListenAddress): string {
  const holder = holderOf(address);
  if (holder !== undefined) return `Is another copy of this service running? The address is in use by ${holder}.`;
  const linux = process.platform === 'linux';
  // Without the port: a search of the log for it finds the one line that says what is wrong.
  const tcp = linux ? 'ss -ltnp' : 'lsof -nP -iTCP -sTCP:LISTEN';
  const unix = (path: string): string => (linux ? `ss -lxp src '${path}'` : `lsof ${path}`);
  return `Is another copy of this service running? See what uses the address with: ${'path' in address ? unix(address.path) : tcp}`;
}
