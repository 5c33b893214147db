/**
 * What the admin listener refuses before it looks for a route. A browser on this machine reaches it too, and runs what any web
 * page says: such a page must neither read from it, under a name that it has pointed here, nor make it do something.
 */
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { HostPort } from '../../config/index.js';
import { isLoopback } from './admin-options.js';
import { ControlRefused } from './control-server.js';

/** Throws for a request that may not be answered. */
export function adminGuard(listen: HostPort, hosts: readonly string[]): (req: IncomingMessage) => void {
  const names = new Set(['localhost', listen.host, ...hosts].map((name) => name.toLowerCase()));

  return ({ method, headers, socket }) => {
    const { host = '', origin, 'sec-fetch-site': site = 'none' } = headers;
    const name = hostName(host);
    if (isIP(name) === 0 && !names.has(name)) {
      const message = `it is not asked by the name ${JSON.stringify(host)}`;
      throw new ControlRefused(403, 'PORTICO_ADMIN_HOST', { message, hint: 'Name the host in [admin] hosts.' });
    }
    if (method === 'GET' || method === 'HEAD') return;
    const isForeign = origin !== undefined && origin !== `http://${host}`;
    if (isForeign || (site !== 'same-origin' && site !== 'none')) {
      const message = 'a page of another origin may not change anything';
      throw new ControlRefused(403, 'PORTICO_ADMIN_ORIGIN', { message });
    }
    if (!isLoopback(socket.remoteAddress ?? '')) {
      const message = 'other machines may read, and change nothing';
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
