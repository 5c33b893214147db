/**
 * An address that cannot be bound: what is said of it, and what an operator can do.
 */
import { holderOf } from './address-holder.js';
import { formatAddress, type ListenAddress } from './service.js';

/** An address that could not be bound, with the system's code. */
export class BindError extends Error {
  readonly syscall = 'bind';
  readonly code: string;
  readonly address: ListenAddress;

  /** `otherwise`: why, for a code that is not known here. */
  constructor(code: string, address: ListenAddress, otherwise = 'the system refused it') {
    super(`Could not bind to ${formatAddress(address)}: ${REASONS[code] ?? otherwise} (${code})`);
    this.code = code;
    this.address = address;
  }

  /** The remedy. */
  get hint(): string | undefined {
    return HINTS[this.code]?.(this.address);
  }
}

/** Meaning of the codes of bind(2) and getaddrinfo(3) for an operator. */
const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the address is already in use',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'permission denied',
  EAFNOSUPPORT: 'this machine does not support this kind of address',
  EINVAL: 'the system does not accept it as an address',
  ENAMETOOLONG: 'the path is too long',
  ENOTFOUND: 'no address is known for this name',
  EAI_AGAIN: 'no address is known for this name',
};

const HINTS: Readonly<Record<string, (address: ListenAddress) => string | undefined>> = {
  EADDRINUSE: whoHasIt,
  EACCES: (address) =>
    'path' in address
      ? undefined
      : 'Ports below 1024 require CAP_NET_BIND_SERVICE (AmbientCapabilities= in a unit), or a socket opened by the service manager.',
  EADDRNOTAVAIL: () => 'List its addresses with: ip addr. 0.0.0.0 means all of them.',
  ENOTFOUND: lookItUp,
  EAI_AGAIN: lookItUp,
};

function lookItUp(address: ListenAddress): string | undefined {
  if ('path' in address) return undefined;
  return `Is it spelled correctly? See what it resolves to with: getent hosts ${address.host}`;
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
