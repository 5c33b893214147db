/** Finds the process that listens on an address, from proc(5) of Linux. Sees processes of the same user only, or of all users as root. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { ignoreErrors } from '../errors/index.js';
import { maskUris } from '../text/index.js';
import type { ListenAddress } from './service.js';

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
