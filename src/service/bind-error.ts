/** The error for an address that cannot be bound, with its reason and a hint for the operator. */

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { ignoreErrors } from '../errors/index.js';
import { maskUris } from '../text/index.js';
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

// Finds the process that listens on an address, from proc(5) of Linux. Sees processes of the same user only, or of all users as root.

/** Returns the first process that listens on the address, such as `pid 17 (node main.js)`; undefined if it cannot be determined. */
export function holderOf(address: ListenAddress): string | undefined {
  const inodes = 'path' in address ? unixInodes(address.path) : tcpInodes(address.port);
  const links = new Set([...inodes].map((inode) => `socket:[${inode}]`));
  const pids = (ignoreErrors(() => readdirSync('/proc')) ?? []).filter((name) => /^\d+$/.test(name)).map(Number);
  const pid = pids.toSorted((a, b) => a - b).find((each) => holds(each, links));
  if (pid === undefined) return undefined;
  const words = ignoreErrors(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? '';
  const command = maskUris(words.replaceAll('\0', ' ').trim());
  return `pid ${pid}${command === '' ? '' : ` (${command.length > 80 ? `${command.slice(0, 80)}…` : command})`}`;
}

/** Returns the inodes of the sockets that listen on a port, from proc_pid_net(5). */
function tcpInodes(port: number): Set<string> {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap(rowsOf);
  const listening = rows.filter(([, local = '', , state]) => local.endsWith(wanted) && state === '0A');
  return new Set(listening.map((row) => row[9] ?? ''));
}

function unixInodes(path: string): Set<string> {
  return new Set(rowsOf('/proc/net/unix').flatMap((row) => (row[7] === path ? [row[6] ?? ''] : [])));
}

function rowsOf(table: string): string[][] {
  const text = ignoreErrors(() => readFileSync(table, 'utf8')) ?? '';
  return text.split('\n').map((line) => line.trim().split(/\s+/));
}

function holds(pid: number, links: ReadonlySet<string>): boolean {
  const folder = `/proc/${pid}/fd`;
  const descriptors = ignoreErrors(() => readdirSync(folder)) ?? [];
  return descriptors.some((name) => links.has(ignoreErrors(() => readlinkSync(`${folder}/${name}`)) ?? ''));
}
