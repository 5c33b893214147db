/**
 * Whether an address could be had now, and which process has it.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { ignoreErrors } from '../errors/index.js';
import { connectError } from '../process/index.js';
import type { ListenAddress } from '../service/index.js';
import { maskUris } from '../text/index.js';

/** Why an address cannot be had at the moment, with who has it where the system tells; undefined where it can. */
export async function whyTaken(address: ListenAddress): Promise<string | undefined> {
  if ('path' in address) {
    if ((await connectError(address.path)) !== undefined) return undefined;
    return `another process listens on ${address.path} already${holder(unixInodes(address.path))}`;
  }
  // Any free port is always to be had.
  if (address.port === 0) return undefined;
  const error = await bindError(address.host, address.port);
  if (error === undefined) return undefined;
  if (error.code !== 'EADDRINUSE') return `it could not be bound now: ${error.message}`;
  return `another process listens on port ${address.port} already${holder(tcpInodes(address.port))}`;
}

function bindError(host: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', resolve);
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

/** The inodes of sockets that listen on a port, of proc_pid_net(5). */
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

/** `: pid 17 (node main.js)`, the process that was there first; empty where the system does not tell. */
function holder(inodes: ReadonlySet<string>): string {
  const links = new Set([...inodes].map((inode) => `socket:[${inode}]`));
  const pids = (ignoreErrors(() => readdirSync('/proc')) ?? []).filter((name) => /^\d+$/.test(name)).map(Number);
  const pid = pids.toSorted((a, b) => a - b).find((each) => holds(each, links));
  if (pid === undefined) return '';
  const words = ignoreErrors(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? '';
  const command = maskUris(words.replaceAll('\0', ' ').trim());
  return `: pid ${pid}${command === '' ? '' : ` (${command.length > 80 ? `${command.slice(0, 80)}…` : command})`}`;
}

function holds(pid: number, links: ReadonlySet<string>): boolean {
  const folder = `/proc/${pid}/fd`;
  const descriptors = ignoreErrors(() => readdirSync(folder)) ?? [];
  return descriptors.some((name) => links.has(ignoreErrors(() => readlinkSync(`${folder}/${name}`)) ?? ''));
}
