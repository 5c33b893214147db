/**
 * What the admin listener refuses before it looks for a route. A browser on this machine reaches it too, and runs what any web
 * page says: such a page must neither read from it, under a name that it has pointed here, nor make it do something.
 */
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { HostPort } from '../../config/index.js';
import { isLoopback } from './admin-options.js';
import { ControlRefused } from './control-server.js';

/** Fields of a proxy. Who is behind it is not known: its own address says that the request comes from this machine. */
const FORWARDING = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip'];

/** Throws for a request that may not be answered. */
export function adminGuard(listen: HostPort, hosts: readonly string[]): (req: IncomingMessage) => void {
  const names = new Set(['localhost', listen.host, ...hosts].map((name) => name.toLowerCase()));

  return ({ method, headers, socket }) => {
    const { host, origin, 'sec-fetch-site': site = 'none' } = headers;
    const name = hostName(host ?? '');
    // A probe by HTTP/1.0 has no such field; a browser always sends it.
    if (host !== undefined && isIP(name) === 0 && !names.has(name)) {
      const message = `it is not asked by the name ${JSON.stringify(host)}`;
      throw new ControlRefused(403, 'PORTICO_ADMIN_HOST', { message, hint: 'Name the host in [admin] hosts.' });
    }
    if (method === 'GET' || method === 'HEAD') return;
    const isForeign = origin !== undefined && origin !== `http://${host}`;
    if (isForeign || (site !== 'same-origin' && site !== 'none')) {
      const message = 'a page of another origin may not change anything';
      throw new ControlRefused(403, 'PORTICO_ADMIN_ORIGIN', { message });
    }
    const isLocal = isLoopback(listen.host) && isLoopback(socket.remoteAddress ?? '');
    if (!isLocal || FORWARDING.some((field) => headers[field] !== undefined)) {
      const message = 'what other machines reach, by a proxy too, may be read, and changes nothing';
      throw new ControlRefused(403, 'PORTICO_ADMIN_REMOTE', { message, hint: 'Use api-cli on the machine itself.' });
    }
  };
}

/** Without port and brackets. */
function hostName(host: string): string {
  return host
    .replace(/:\d*$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
}
