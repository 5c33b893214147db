/** The Unix sockets on which processes of this machine listen, and those processes: from proc(5), on Linux. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { ignoreErrors } from '../errors/index.js';

/** A socket with a path. */
interface BoundSocket {
  readonly path: string;
  readonly inode: string;
}

/** `__SO_ACCEPTCON` of unix(7): the socket listens. */
const LISTENS = 0x10000;

/** Returns the sockets with absolute paths that listen; none where the system does not tell. */
export function boundSockets(): BoundSocket[] {
  const lines = (ignoreErrors(() => readFileSync('/proc/net/unix', 'utf8')) ?? '').split('\n').slice(1);
  return lines.flatMap((line) => {
    // Number, references, protocol, flags, type, state, inode, path.
    const [, flags = '0', inode = '', path = ''] = /^\S+ \S+ \S+ (\S+) \S+ \S+ +(\S+) (\/.*)$/.exec(line) ?? [];
    return (Number.parseInt(flags, 16) & LISTENS) === 0 ? [] : [{ path, inode }];
  });
}

/** A process that has a socket. */
export interface SocketHolder {
  readonly pid: number;
  /** True if a signal has stopped it, such as SIGSTOP. */
  readonly isStopped: boolean;
}

/** Returns the process that listens on a path; undefined if this user may not know, or there is none. */
export function holderOf(path: string): SocketHolder | undefined {
  const inodes = new Set(boundSockets().flatMap((each) => (each.path === path ? [`socket:[${each.inode}]`] : [])));
  if (inodes.size === 0) return undefined;
  const pids = (ignoreErrors(() => readdirSync('/proc')) ?? []).filter((name) => /^\d+$/.test(name));
  // A worker may have a copy of the descriptor for a moment: the oldest process is the parent.
  const pid = pids
    .map(Number)
    .sort((a, b) => a - b)
    .find((each) => holds(each, inodes));
  if (pid === undefined) return undefined;
  const stat = ignoreErrors(() => readFileSync(`/proc/${pid}/stat`, 'latin1')) ?? '';
  return { pid, isStopped: stat.slice(stat.lastIndexOf(')') + 2).startsWith('T') };
}

function holds(pid: number, sockets: ReadonlySet<string>): boolean {
  const descriptors = ignoreErrors(() => readdirSync(`/proc/${pid}/fd`)) ?? [];
  return descriptors.some((each) => sockets.has(ignoreErrors(() => readlinkSync(`/proc/${pid}/fd/${each}`)) ?? ''));
}
