/**
 * Bound sockets that the supervisor keeps, without listening, while a service holds them, and sends to workers; and the
 * errors of addresses that cannot be bound.
 */
import type { SendHandle } from 'node:child_process';
import { lookup } from 'node:dns/promises';
import { existsSync, unlinkSync } from 'node:fs';
import net, { isIP } from 'node:net';
import { dirname } from 'node:path';
import { getSystemErrorName } from 'node:util';
import {
  type Diagnostic,
  ignoreErrors,
  type Location,
  locationText,
  PorticoError,
  printDiagnostics,
} from '../../errors/index.js';
import { createWithMode, removeStaleSocket } from '../../process/index.js';
import type { Launchable, ListenAddress, ListeningService } from '../../service/index.js';
import { BindError, formatAddress, isListening, isPlanned } from '../../service/internal.js';
import { serviceName } from '../launcher.js';

/** The socket of one address of one service. */
export interface ListenSockets {
  /** Bound address, with the actual port. */
  readonly address: ListenAddress;
  /** The socket's descriptor, which all workers share; undefined after the close. */
  readonly descriptor: number | undefined;
  /** Returns a descriptor in the form that a channel sends. Default: as for a descriptor of the system. */
  sendable?(descriptor: number): SendHandle | undefined;
  /** Closes this process's copies, and removes the file of a unix socket. */
  close(): void;
}

/**
 * Binds an address. Rejects with the system's code, such as `EADDRINUSE`, and a message that names the address. For
 * port 0 the system chooses a port.
 */
export async function openListenSockets(address: ListenAddress): Promise<ListenSockets> {
  if ('path' in address) return openUnix(address);
  const unknown = (cause: { readonly code: string }): never => {
    throw new BindError(cause.code, address, { cause });
  };
  const host = isIP(address.host) === 0 ? (await lookup(address.host).catch(unknown)).address : address.host;
  const to = { host, port: address.port, family: isIP(host) === 6 ? 6 : 4 } as const;
  const handle = bindSocket(to, (code) => new BindError(code, address));
  return bound({ ...address, port: handle.port ?? address.port }, handle.fd, () => handle.close());
}

function bound(address: ListenAddress, fd: number, close: () => void): ListenSockets {
  let descriptor: number | undefined = fd;
  return {
    address,
    get descriptor() {
      return descriptor;
    },
    close: () => {
      if (descriptor !== undefined) close();
      descriptor = undefined;
    },
  };
}

/** A descriptor in the form that a channel sends must not be closed, so it is created once. */
const SENDABLE = new WeakMap<ListenSockets, SendHandle | undefined>();

/** Returns the socket in the form that a channel sends. Undefined if a stop has closed it. */
export function sendableSocket(own: ListenSockets): SendHandle | undefined {
  if (own.descriptor === undefined) return undefined;
  if (!SENDABLE.has(own)) SENDABLE.set(own, (own.sendable ?? sendable)(own.descriptor));
  return SENDABLE.get(own);
}

/**
 * Returns the address that a descriptor is bound to; if it has no name, as a unix socket, the address it is meant for.
 */
export function addressOfDescriptor(descriptor: number, meant: ListenAddress): ListenAddress {
  const name = nameOfDescriptor(descriptor);
  if (name === undefined) return meant;
  return { ...(meant.backlog === undefined ? {} : { backlog: meant.backlog }), host: name.address, port: name.port };
}

async function openUnix(address: UnixAddress): Promise<ListenSockets> {
  await removeStaleSocket(address.path);
  const folder = dirname(address.path);
  // bind(2) reports ENOENT, which libuv turns into EACCES.
  if (!address.path.startsWith('\0') && !existsSync(folder))
    throw new BindError('ENOENT', address, { otherwise: `the folder ${folder} does not exist` });
  const bind = (): BoundHandle => bindSocket({ path: address.path }, (code) => new BindError(code, address));
  // Group members may connect, others may not, whatever the umask.
  const handle = address.path.startsWith('\0') ? bind() : createWithMode(address.path, 0o660, bind);
  return bound(address, handle.fd, () => {
    handle.close();
    // The close of the handle may have removed it, or another process.
    ignoreErrors(() => unlinkSync(address.path));
  });
}

type UnixAddress = Extract<ListenAddress, { path: string }>;

/** Owner of an address. */
export interface AddressOwner {
  readonly name: string;
  /** Location of the address in the configuration. */
  readonly location?: Location | undefined;
}

/** An address that a service cannot have. It is described like an error in the configuration, at the location of the address. */
class AddressRefused extends PorticoError {
  override describe(): string {
    return printDiagnostics(this.diagnostics);
  }
}

/** Parts of the error for an address. */
interface AddressRefusal {
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
  readonly cause: unknown;
}

/** Returns the error for an address at this location. */
export function addressRefused(location: Location | undefined, refusal: AddressRefusal): PorticoError {
  const { code, message, hint, cause } = refusal;
  const where = location === undefined ? '' : locationText(location);
  const diagnostics: readonly Diagnostic[] = [{ severity: 'error', code, location, message, hint }];
  return new AddressRefused(code, {
    message: where === '' ? message : `${where}: ${message}`,
    hint,
    diagnostics,
    cause,
  });
}

/** Returns the complete error for one address of a service that could not be bound. */
export function bindFailure({ name, location }: AddressOwner, error: unknown): PorticoError {
  if (error instanceof PorticoError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  return addressRefused(location, {
    code: code === 'EADDRINUSE' ? 'PORTICO_ADDRESS_TAKEN' : 'PORTICO_START_FAILED',
    message: `${name}: ${message}`,
    hint: error instanceof BindError ? error.hint : undefined,
    cause: error,
  });
}

/** Joins failures, of which there is at least one, into one error. */
export function bindFailures(failures: readonly PorticoError[]): PorticoError {
  const [first, ...others] = failures;
  if (others.length === 0) return first!;
  const diagnostics = failures.flatMap((each) => each.diagnostics);
  return new AddressRefused(first!.code, { diagnostics, cause: first });
}

// Binds without listening: by `net.BoundSocket` (Node 24.21, 26.10), or by an undocumented call of older versions. No
// other file uses that call.

/** A bound socket that does not listen yet. */
interface BoundHandle {
  readonly fd: number;
  /** Actual port; undefined for a unix socket. */
  readonly port: number | undefined;
  close(): void;
}

/** An address to bind: a numeric host and a port, or the path of a unix socket. */
type BindTo = { readonly host: string; readonly port: number; readonly family: 4 | 6 } | { readonly path: string };

/** `net.BoundSocket`, which is missing in the types of the oldest Node. */
type BoundSocketClass = new (
  options: { host: string; port: number } | { path: string },
) => { fd(): number; address(): { port: number } | string; close(): void };

/** Result of `_createServerHandle`: libuv's handle. */
interface ServerHandle {
  readonly fd: number;
  close(): void;
  getsockname?(name: { address?: string; port?: number }): number;
}

type CreateServerHandle = (
  address: string | null,
  port: number | null,
  family: 4 | 6 | -1 | null,
  fd?: number,
) => ServerHandle | number;

const { BoundSocket, _createServerHandle: create } = net as unknown as {
  BoundSocket?: BoundSocketClass;
  _createServerHandle: CreateServerHandle;
};

/** Binds an address; throws the error that `refused` returns for the system's code, such as `EADDRINUSE`. */
function bindSocket(to: BindTo, refused: (code: string) => Error): BoundHandle {
  if (BoundSocket === undefined) {
    const handle = createHandle(to, refused);
    return { fd: handle.fd, port: nameOf(handle)?.port, close: () => handle.close() };
  }
  try {
    const socket = new BoundSocket(to);
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

/** Returns the name that an inherited descriptor is bound to; undefined if it has none, as a unix socket. */
function nameOfDescriptor(descriptor: number): { address: string; port: number } | undefined {
  // The handle is never closed: that would close the descriptor.
  const handle = create(null, null, null, descriptor);
  return typeof handle === 'number' ? undefined : nameOf(handle);
}

/**
 * Returns a descriptor in the form that a channel sends; undefined if it is not a socket. It must never be closed: that
 * would close the descriptor.
 */
function sendable(descriptor: number): SendHandle | undefined {
  const handle = create(null, null, null, descriptor);
  return typeof handle === 'number' ? undefined : (handle as unknown as SendHandle);
}

function createHandle(to: BindTo, refused: (code: string) => Error): ServerHandle {
  const handle = 'path' in to ? create(to.path, -1, -1) : create(to.host, to.port, to.family);
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

/** Addresses of a service, as its parent needs them. */
interface Listening {
  readonly addresses: readonly ListenAddress[];
  readonly location: Location | undefined;
}

/** Returns undefined for a service that does not listen. */
export function listeningOf(service: Launchable): Listening | undefined {
  const location = locationOfAddress(service);
  if (isPlanned(service)) {
    const { addresses } = service;
    return addresses.length === 0 ? undefined : { addresses, location };
  }
  if (!isListening(service)) return undefined;
  return { addresses: service.addresses, location };
}

/**
 * Binds the addresses of services for a moment. Rejects if the system refuses any of them, with all refusals, so that
 * none of the services is started. `own`: addresses that this process has and will release.
 */
export async function tryAddresses(services: readonly Launchable[], own: readonly ListenAddress[] = []): Promise<void> {
  const failures: PorticoError[] = [];
  const known = own.map(formatAddress);
  for (const service of services)
    for (const address of listeningOf(service)?.addresses ?? []) {
      if (known.includes(formatAddress(address))) continue;
      try {
        (await openListenSockets(address)).close();
      } catch (error) {
        failures.push(bindFailure({ name: serviceName(service), location: locationOfAddress(service) }, error));
      }
    }
  if (failures.length > 0) throw bindFailures(failures);
}

/** Returns the location of a service's addresses in the configuration, if known. */
export function locationOfAddress(service: Launchable): Location | undefined {
  return (service as Partial<ListeningService>).addressPlace;
}
