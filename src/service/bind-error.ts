/** The error for an address that cannot be bound, with its reason and a hint for the operator. */
import { holderOf } from './address-holder.js';
import { formatAddress, type ListenAddress } from './service.js';

/** The error for an address that could not be bound, with the system's error code. */
export class BindError extends Error {
  readonly syscall = 'bind';
  readonly code: string;
  readonly address: ListenAddress;

  /** `otherwise`: the reason for a code without an entry in `REASONS`; `cause`: the error of the system. */
  constructor(
    code: string,
    address: ListenAddress,
    { otherwise, cause }: { otherwise?: string; cause?: unknown } = {},
  ) {
    const why = isLookup(cause) ? 'no address is known for this name' : (REASONS[code] ?? otherwise);
    const message = `Could not bind to ${formatAddress(address)}: ${why ?? 'the system refused it'} (${code})`;
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.address = address;
  }

  /** A hint for the operator; undefined for most codes. */
  get hint(): string | undefined {
    return isLookup(this.cause) ? lookItUp(this.address) : HINTS[this.code]?.(this.address);
  }
}

/** The reasons for codes of bind(2). */
const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the address is already in use',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'permission denied',
  EAFNOSUPPORT: 'this machine does not support this kind of address',
  EINVAL: 'the system does not accept it as an address',
  ENAMETOOLONG: 'the path is too long',
};

const HINTS: Readonly<Record<string, (address: ListenAddress) => string | undefined>> = {
  EADDRINUSE: whoHasIt,
  EACCES: (address) =>
    'path' in address
      ? undefined
      : 'Ports below 1024 require CAP_NET_BIND_SERVICE (AmbientCapabilities= in a unit), or a socket opened by the service manager.',
  EADDRNOTAVAIL: () => 'List its addresses with: ip addr. 0.0.0.0 means all of them.',
};

/** Reports whether an error is from getaddrinfo(3). It may have any code of the system, such as EINVAL for a name that is too long. */
function isLookup(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | undefined)?.syscall === 'getaddrinfo';
}

function lookItUp(address: ListenAddress): string | undefined {
  if ('path' in address) return undefined;
  return `Is it spelled correctly? See what it resolves to with: getent hosts ${address.host}`;
}

/** Names the process that listens on the address, or a command that finds it: only root sees the processes of other users. */
function whoHasIt(address: ListenAddress): string {
  const holder = holderOf(address);
  if (holder !== undefined) return `Is another copy of this service running? The address is in use by ${holder}.`;
  const linux = process.platform === 'linux';
  // Without the port, so that a search of the log for the port finds only the line with the error.
  const tcp = linux ? 'ss -ltnp' : 'lsof -nP -iTCP -sTCP:LISTEN';
  const unix = (path: string): string => (linux ? `ss -lxp src '${path}'` : `lsof ${path}`);
  return `Is another copy of this service running? See what uses the address with: ${'path' in address ? unix(address.path) : tcp}`;
}
