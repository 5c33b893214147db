/**
 * Guards the admin listener, which responds by HTTP over TCP: checks each request before its route. A browser on this
 * machine can reach the listener, and runs any web page: such a page must neither read from it, under a name that it
 * has pointed here, nor change anything.
 */
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { boolean, type Config, defineOptions, type HostPort, hostport, list } from '../../config/index.js';
import { crossCheck, hostMatcher, hostPattern, isLoopback, readHost } from '../../config/internal.js';
import { forwardingFamily } from '../../text/index.js';
import { ControlRefused } from './control-server.js';

/** `[admin]`. */
export const adminOptions = defineOptions('admin', {
  listen: hostport({
    restart: true,
    canBeEmpty: true,
    help: 'TCP address for operators, probes and Prometheus, such as 127.0.0.1:9100. It has no password: every user of this machine can stop the service there.',
  }),
  allow_remote: boolean({
    default: false,
    restart: true,
    help: 'Allow an address that other machines can reach. They can read everything, change nothing.',
  }),
  metrics_listen: hostport({
    restart: true,
    canBeEmpty: true,
    help: 'TCP address for probes and Prometheus alone, such as 0.0.0.0:9101, which other machines may reach: /healthz, /readyz and /metrics. Nothing else is served there.',
  }),
  docs: boolean({
    default: false,
    help: 'Serve an OpenAPI document for each API at /docs/<name>/openapi.json.',
  }),
  hosts: list({
    item: hostPattern(),
    default: [],
    restart: true,
    help: 'Hosts to accept in Host besides localhost, IP addresses and the hosts in listen and metrics_listen, such as ops.example.org or *.example.org.',
  }),
});

/** Returns the address that `[admin] listen` must not have; undefined if it is valid. */
export function remoteAdmin(config: Config): HostPort | undefined {
  const { listen, allowRemote } = config.group('admin', adminOptions, { partial: true });
  return listen === undefined || allowRemote || isLoopback(listen.host) ? undefined : listen;
}

/** The admin listener has no password. */
crossCheck((config: Config) => {
  const address = remoteAdmin(config);
  if (address === undefined) return [];
  const message = `other machines can reach ${address.host}`;
  const hint = 'listen on 127.0.0.1, or set allow_remote = true, which lets them read everything there';
  return [{ group: 'admin', opt: 'listen', message, hint }];
});

/** Returns a function that throws for a request that must get no response. */
export function adminGuard(listen: HostPort, hosts: readonly string[]): (req: IncomingMessage) => void {
  const isKnown = hostMatcher(['localhost', ...(isIP(listen.host) === 0 ? [listen.host] : []), ...hosts]);

  return ({ method, headers, socket }) => {
    const { host, origin, 'sec-fetch-site': site = 'none' } = headers;
    const read = readHost(host ?? '');
    // A probe by HTTP/1.0 has no Host field; a browser always sends it.
    if (host !== undefined && isIP(read.name) === 0 && !isKnown(read, 'http')) {
      const message = `unknown host name ${JSON.stringify(host)}`;
      throw new ControlRefused(403, 'PORTICO_ADMIN_HOST', { message, hint: 'Add the host to [admin] hosts.' });
    }
    if (method === 'GET' || method === 'HEAD') return;
    const isForeign = origin !== undefined && origin !== `http://${host}`;
    if (isForeign || (site !== 'same-origin' && site !== 'none')) {
      const message = 'a page of another origin cannot change anything';
      throw new ControlRefused(403, 'PORTICO_ADMIN_ORIGIN', { message });
    }
    const isLocal = isLoopback(listen.host) && isLoopback(socket.remoteAddress ?? '');
    // The client behind a proxy is unknown, because the connection comes from this machine.
    if (!isLocal || Object.keys(headers).some((field) => forwardingFamily(field) !== undefined)) {
      const message = 'requests from other machines, or through a proxy, can only read';
      throw new ControlRefused(403, 'PORTICO_ADMIN_REMOTE', { message, hint: 'Use api-cli on the machine itself.' });
    }
  };
}
