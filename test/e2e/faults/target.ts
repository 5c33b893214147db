/**
 * What the kit works on: a server with a parent and workers, ours or somebody else's, that answers on these paths.
 *
 * - `/`: the word of its generation, a blank, the id of the process
 * - `/slow`: the same after two seconds
 * - `/large`: eight MiB
 * - `/spin`: never; the worker computes for ever
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface Target {
  /** Where it answers, without a slash at the end. */
  readonly url: string;
  /** The same app behind TLS, if there is one. */
  readonly secureUrl?: string;
  /** The process that starts workers again. */
  readonly pid: number;
  /** Changes the word its answers begin with, and asks for a reload. */
  reload(word: string): void | Promise<void>;
  /** Asks for a graceful end; settles with the exit status once it has ended. */
  stop(): Promise<number | null>;
  /** The processes that answer. */
  workers(): number[];
}

/** The size of what `/large` answers. */
export const LARGE_BYTES = 8 * 1024 * 1024;

/** Children of a process that are alive, zombies not counted. */
export function childrenOf(parent: number): number[] {
  return processes().flatMap(({ pid, ppid, state }) => (ppid === parent && state !== 'Z' ? [pid] : []));
}

/** Children of a process that have ended and were not reaped. */
export function zombiesOf(parent: number): number[] {
  return processes().flatMap(({ pid, ppid, state }) => (ppid === parent && state === 'Z' ? [pid] : []));
}

/** True while the process exists and is no zombie. */
export function isAlive(pid: number): boolean {
  return processes().some((each) => each.pid === pid && each.state !== 'Z');
}

/** How many descriptors a process has open. */
export function descriptorsOf(pid: number): number {
  return descriptorLinks(pid).length;
}

/** How many TCP connections a process has open; listening sockets are not connections. */
export function connectionsOf(pid: number): number {
  const connected = socketInodes((state) => state !== LISTEN);
  return descriptorLinks(pid).filter((link) => connected.has(link)).length;
}

/** How many different listening TCP sockets these processes hold. */
export function listenersOf(pids: readonly number[]): number {
  const listening = socketInodes((state) => state === LISTEN);
  return new Set(pids.flatMap(descriptorLinks).filter((link) => listening.has(link))).size;
}

/** The resident memory of a process in MiB. */
export function memoryOf(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Math.round(Number(kib ?? 0) / 102.4) / 10;
}

/** Settles with true once the check holds, with false when it does not within the time. */
export async function until(check: () => boolean | Promise<boolean>, withinMs = 90_000): Promise<boolean> {
  const end = performance.now() + withinMs;
  for (;;) {
    if (await check()) return true;
    if (performance.now() > end) return false;
    await pause(10);
  }
}

/** A stretch of time that belongs to the fault itself: how long a loop is watched, how far apart kills are. */
export function pause(ms: number): Promise<void> {
  return new Promise((settle) => setTimeout(settle, ms));
}

/** The state of a listening socket in /proc/net/tcp, proc_net_tcp(5). */
const LISTEN = '0A';

function processes(): { pid: number; ppid: number; state: string }[] {
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      const [state = '', ppid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return [{ pid: Number(entry), ppid: Number(ppid), state }];
    } catch {
      return [];
    }
  });
}

function descriptorLinks(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
      } catch {
        return [];
      }
    });
  } catch {
    return [];
  }
}

function socketInodes(wanted: (state: string) => boolean): Set<string> {
  const found = new Set<string>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    let text = '';
    try {
      text = readFileSync(table, 'utf8');
    } catch {
      continue;
    }
    for (const line of text.split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/);
      if (fields[3] !== undefined && wanted(fields[3])) found.add(`socket:[${fields[9]}]`);
    }
  }
  return found;
}
