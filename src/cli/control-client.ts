/**
 * Client of a control socket: sends requests to a running service, and reports why one does not respond.
 */

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { ignoreErrors, PorticoError } from '../errors/index.js';
import { ArgumentRefused } from './command-failure.js';

/** A service responds from memory: one that is silent for this time does not respond. */
const ANSWER_MS = 5000;

/**
 * Sends a request, and returns the response; rejects with the service's refusal, or with `PORTICO_NOT_RUNNING`. A change may take long, so
 * the service is first asked whether it responds. `limit`: milliseconds for the response, or a signal that ends the waiting.
 */
export async function ask<T>(
  path: string,
  method: string,
  url: string,
  body: object = {},
  limit: number | AbortSignal | undefined = method === 'GET' ? ANSWER_MS : undefined,
): Promise<T> {
  if (method !== 'GET') await ask(path, 'GET', '/healthz', {}, limit);
  const signal = typeof limit === 'number' ? AbortSignal.timeout(limit) : limit;
  const headers = { 'content-type': 'application/json' };
  const asked = request({ socketPath: path, method, path: url, headers, ...(signal && { signal }) });
  asked.end(method === 'POST' ? JSON.stringify(body) : undefined);
  const response = new Promise<IncomingMessage>((resolve, reject) => {
    asked.on('response', resolve).on('error', reject);
  });
  const refused = (cause: NodeJS.ErrnoException): never => {
    throw notRunning(path, cause);
  };
  const answer = await response.catch(refused);
  const said = await text(answer).catch(refused);
  const value: unknown = answer.headers['content-type'] === 'application/json' ? JSON.parse(said) : said;
  if (answer.statusCode === 200) return value as T;
  const { error } = (value ?? {}) as { error?: { code: string; message: string; hint?: string } };
  const Refused = answer.statusCode === 400 ? ArgumentRefused : PorticoError;
  throw new Refused(error?.code ?? 'PORTICO_CONTROL_FAILED', { message: error?.message ?? said, hint: error?.hint });
}

function notRunning(path: string, cause: NodeJS.ErrnoException): PorticoError {
  return new PorticoError('PORTICO_NOT_RUNNING', {
    message: `no service responds on ${path}: ${whySilent(path, cause)}`,
    hint:
      cause.name === 'AbortError'
        ? undefined
        : 'Pass the configuration that it was started with (--config-file), or its socket (--socket), which is in its log.',
    cause,
  });
}

function whySilent(path: string, { code, name, message }: NodeJS.ErrnoException): string {
  // A service that runs makes its file again within seconds.
  if (code === 'ENOENT') return 'the file does not exist';
  if (code === 'ECONNREFUSED') return 'nothing listens on it';
  if (name !== 'AbortError') return message;
  const { pid, isStopped = false } = holderOf(path) ?? {};
  const who = pid === undefined ? 'it' : `process ${pid} has it, and`;
  const state = isStopped ? `: a signal has stopped it, kill -CONT ${pid} continues it` : '';
  return `${who} has not responded for ${ANSWER_MS / 1000} seconds${state}`;
}

// The Unix sockets on which processes of this machine listen, and those processes: from proc(5), on Linux.

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
interface SocketHolder {
  readonly pid: number;
  /** True if a signal has stopped it, such as SIGSTOP. */
  readonly isStopped: boolean;
}

/** Returns the process that listens on a path; undefined if this user may not know, or there is none. */
function holderOf(path: string): SocketHolder | undefined {
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
