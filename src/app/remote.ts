/**
 * Sender of a request: the other end of its connection, or the client that trusted proxies have named.
 */
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { Remote } from './environ.js';
import { environ } from './exchange.js';

/**
 * The request's remote end: what the proxy_headers filter has found out, else what the connection itself says.
 * Never derived from a header that a client can write, except for the host it asks for.
 */
export function remoteOf(req: IncomingMessage): Remote {
  return environ(req).remote ?? connectionRemote(req);
}

/** Facts of the connection itself, whatever a proxy claims. */
export function connectionRemote(req: IncomingMessage): Remote {
  const { remotePort, encrypted } = req.socket as TLSSocket;
  return {
    address: connectionAddress(req),
    port: remotePort,
    scheme: encrypted ? 'https' : 'http',
    host: req.headers.host,
  };
}

/** Takes the scheme from a field of the head, whatever its sender; values other than `http` and `https` are ignored. */
export function takeScheme(req: IncomingMessage, field: string): void {
  const said = req.headers[field];
  const scheme = typeof said === 'string' ? said.trim().toLowerCase() : undefined;
  if (scheme === 'http' || scheme === 'https') environ(req).remote = { ...connectionRemote(req), scheme };
}

/**
 * The address alone of {@link connectionRemote}, for what asks for nothing else at each request. Once the connection is
 * closed Node gives it only where it was read before.
 */
export function connectionAddress(req: IncomingMessage): string {
  const { remoteAddress } = req.socket;
  if (remoteAddress === undefined) return 'unix';
  // On a socket for both families, IPv4 peers appear as `::ffff:192.0.2.7`.
  return remoteAddress.startsWith('::ffff:') && remoteAddress.includes('.') ? remoteAddress.slice(7) : remoteAddress;
}
