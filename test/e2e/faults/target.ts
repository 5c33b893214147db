/**
 * The server under test: a parent with workers, Portico or another server, that responds on these paths:
 *
 * - `/`: the word of its generation, a blank, the id of the process
 * - `/slow`: the same after two seconds
 * - `/large`: eight MiB
 * - `/spin`: never; the worker computes forever
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { childrenOf } from '../../fixtures/running-program.js';

export { childrenOf, isAlive } from '../../fixtures/running-program.js';

export interface Target {
  /** The base URL, without a trailing slash. */
  readonly url: string;
  /** The same app behind TLS, if there is one. */
  readonly secureUrl?: string;
  /** The process that restarts workers. */
  readonly pid: number;
  /** Changes the first word of its responses and requests a reload. */
  reload(word: string): void | Promise<void>;
  /** Requests a graceful stop. Settles with the exit status once the process has ended. */
  stop(): Promise<number | null>;
  /** The pids of the processes that serve requests. */
  workers(): number[];
}

/** The size of the response to `/large`. */
export const LARGE_BYTES = 8 * 1024 * 1024;

/** Children of a process that have ended and are not reaped. */
export function zombiesOf(parent: number): number[] {
  return childrenOf(parent, (state) => state === 'Z');
}

/** The number of open file descriptors of a process. */
export function descriptorsOf(pid: number): number {
  return descriptorLinks(pid).length;
}

/** The number of TCP connections of a process, without listening sockets. */
export function connectionsOf(pid: number): number {
  const connected = socketInodes((state) => state !== LISTEN);
  return descriptorLinks(pid).filter((link) => connected.has(link)).length;
}

/** The number of different listening TCP sockets these processes hold. */
export function listenersOf(pids: readonly number[]): number {
  const listening = socketInodes((state) => state === LISTEN);
  return new Set(pids.flatMap(descriptorLinks).filter((link) => listening.has(link))).size;
}

/** The resident memory of a process in MiB. */
export function memoryOf(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Math.round(Number(kib ?? 0) / 102.4) / 10;
}

/** Settles with true once the check holds, or with false after `withinMs`. The longer it has checked, the more seldom it checks. */
export async function until(check: () => boolean | Promise<boolean>, withinMs = 90_000): Promise<boolean> {
  const begun = performance.now();
  for (;;) {
    if (await check()) return true;
    const passed = performance.now() - begun;
    if (passed > withinMs) return false;
    await pause(Math.min(100, Math.max(10, passed / 32)));
  }
}

/** A wait that is part of the fault: how long a loop is watched, how far apart kills are. */
export function pause(ms: number): Promise<void> {
  return new Promise((settle) => setTimeout(settle, ms));
}

/** The state of a listening socket in /proc/net/tcp, proc_net_tcp(5). */
const LISTEN = '0A';

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
