/**
 * Where a backdoor listens: a port, the first free one of a range, or a socket file. Never on an address that another
 * machine can reach.
 */
import type { Server } from 'node:net';
import { ConfigurationRefused, PorticoError } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import { listenOnPath, SocketTaken } from '../sockets/private-socket.js';

const HELP =
  'Acceptable values are 0, <port>, and <start>:<end>, where 0 results in listening on a random tcp port number; <port> results in listening on the specified port number (and not enabling backdoor if that port is in use); and <start>:<end> results in listening on the smallest unused port number within the specified range of port numbers. The chosen port is displayed in the log.';

/** A `backdoor_port` that means nothing. Code `PORTICO_BACKDOOR_CONFIG`. */
export class BackdoorConfigValueError extends ConfigurationRefused {
  /** The value as written. */
  readonly portRange: string;

  constructor(portRange: string, cause: string) {
    super('PORTICO_BACKDOOR_CONFIG', {
      message: `Invalid backdoor_port configuration ${portRange}: ${cause}. ${HELP}`,
    });
    this.portRange = portRange;
  }
}

/** The ports to try, in order: `0`, `N` or `N:M`, both ends included. Throws {@link BackdoorConfigValueError}. */
export function backdoorPorts(value: string): { readonly first: number; readonly last: number } {
  const text = value.trim();
  const [, start, end] = /^(\d+)(?::(\d+))?$/.exec(text) ?? [];
  if (start === undefined)
    throw new BackdoorConfigValueError(value, 'it is not a port and not two with a colon between');
  if (text === '0') return { first: 0, last: 0 };
  const first = Number(start);
  const last = end === undefined ? first : Number(end);
  for (const port of [first, last]) {
    if (port < 1 || port > 65_535) throw new BackdoorConfigValueError(value, `${port} is not a port from 1 to 65535`);
  }
  if (last < first) throw new BackdoorConfigValueError(value, 'the end of the range is below its start');
  return { first, last };
}

/** `{pid}` replaced by the process id; text whose braces mean nothing is used as it is, with a warning. */
export function backdoorPath(template: string, pid: number, log: Logger): string {
  const rest = template.replaceAll(/\{\{|\}\}|\{pid\}/g, '');
  if (!/[{}]/.test(rest)) {
    return template.replaceAll(/\{\{|\}\}|\{pid\}/g, (part) => (part === '{pid}' ? String(pid) : part[0]!));
  }
  log.warn(`Could not apply format string to backdoor socket path (${template}), continuing with it as it is`);
  return template;
}

/** Listens on the first free port; null when none is. `make` makes one server for each address. */
export async function listenOnPort(
  make: () => Server,
  { first, last }: { first: number; last: number },
): Promise<{ port: number; servers: Server[] } | null> {
  for (let port = first; port <= last; port++) {
    const server = make();
    // Exclusive: a shared port would lead an operator to a worker by chance.
    const bound = await listening(server, { host: '127.0.0.1', port, exclusive: true });
    if (bound === undefined) continue;
    const sixth = make();
    const also = await listening(sixth, { host: '::1', port: bound, exclusive: true, ipv6Only: true });
    return { port: bound, servers: also === undefined ? [server] : [server, sixth] };
  }
  return null;
}

/** Listens on a socket file that only this user may open. Rejects with `PORTICO_BACKDOOR_SOCKET` where that cannot be. */
export async function listenOnFile(server: Server, path: string): Promise<void> {
  try {
    await listenOnPath(server, path);
  } catch (error) {
    throw error instanceof SocketTaken ? refused(path, error.message, error.cause) : error;
  }
}

function refused(path: string, why: string, cause?: unknown): PorticoError {
  return new PorticoError('PORTICO_BACKDOOR_SOCKET', {
    message: `the backdoor cannot listen on ${path}: ${why}`,
    hint: 'Remove the file, or name another in backdoor_socket; {pid} gives each process its own.',
    cause,
  });
}

/** The port it is bound to, or undefined where the address is taken or there is no such address. */
function listening(
  server: Server,
  options: { host: string; port: number; exclusive: true; ipv6Only?: boolean },
): Promise<number | undefined> {
  return new Promise((resolve) => {
    server.once('error', () => resolve(undefined));
    server.listen(options, () => resolve((server.address() as { port: number }).port));
  });
}
