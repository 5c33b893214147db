/** The client of a request: the peer of its connection, or the client that trusted proxies report. */
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { environ, exchangeOf, type Remote } from './exchange.js';
import { readHeaders } from './request-fields.js';

/**
 * Returns the client of a request: the result of the proxy_headers filter, else the peer of the connection. Only the host comes from a
 * header that a client can set.
 */
export function remoteOf(req: IncomingMessage): Remote {
  return environ(req).remote ?? connectionRemote(req);
}

/** Returns facts of the connection itself, regardless of proxies. */
export function connectionRemote(req: IncomingMessage): Remote {
  const { remotePort, encrypted } = req.socket as TLSSocket;
  const { fieldKinds: kinds, hostField: host } = exchangeOf(req);
  return {
    address: connectionAddress(req),
    port: remotePort,
    scheme: encrypted ? 'https' : 'http',
    host: kinds < 0 ? req.headers.host : host,
  };
}

/** Sets the scheme from a header field, trusting any sender; values other than `http` and `https` are ignored. */
export function takeScheme(req: IncomingMessage, field: string): void {
  const said = readHeaders(exchangeOf(req))[field];
  const scheme = typeof said === 'string' ? said.trim().toLowerCase() : undefined;
  if (scheme === 'http' || scheme === 'https') environ(req).remote = { ...connectionRemote(req), scheme };
}

/**
 * Returns only the address of {@link connectionRemote}, for code that needs nothing else on each request. After the connection has
 * closed, Node returns it only if it was read before.
 */
export function connectionAddress(req: IncomingMessage): string {
  const { remoteAddress, localAddress, destroyed } = req.socket;
  // A TCP connection that its client has reset has no peer any more: it must not pass for a local process, which proxy filters trust.
  if (remoteAddress === undefined) return localAddress === undefined && !destroyed ? 'unix' : 'unknown';
  // On a dual-stack socket, IPv4 peers appear as `::ffff:192.0.2.7`.
  return remoteAddress.startsWith('::ffff:') && remoteAddress.includes('.') ? remoteAddress.slice(7) : remoteAddress;
}
