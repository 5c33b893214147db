/**
 * Who asks, and by which name: the client's address, and scheme and host as the client sees them.
 */
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { environ } from './environ.js';

/** The other end of a request, after the proxies in between have been accounted for. */
export interface Remote {
  /** The client's address, without port: `192.0.2.7`, `2001:db8::7`; `unix` for a Unix socket. */
  readonly address: string;
  /** The client's port; undefined when a proxy did not say it. */
  readonly port: number | undefined;
  readonly scheme: 'http' | 'https';
  /** `host` or `host:port` as the client used it; undefined for HTTP/1.0 without `Host`. */
  readonly host: string | undefined;
}

/**
 * The request's remote end: what the proxy_headers filter has found out, else what the connection itself says.
 * Never derived from a header that a client can write, except for the host it asks for.
 */
export function remoteOf(req: IncomingMessage): Remote {
  return environ(req).remote ?? connectionRemote(req);
}

/** What the connection itself says, whatever a proxy claims. */
export function connectionRemote(req: IncomingMessage): Remote {
  const { remotePort, encrypted } = req.socket as TLSSocket;
  return {
    address: connectionAddress(req),
    port: remotePort,
    scheme: encrypted ? 'https' : 'http',
    host: req.headers.host,
  };
}

/** The address alone of {@link connectionRemote}, for what asks for nothing else at each request. */
export function connectionAddress(req: IncomingMessage): string {
  const { remoteAddress } = req.socket;
  return remoteAddress === undefined ? 'unix' : withoutMapping(remoteAddress);
}

/**
 * Lets the address be known for as long as the request is spoken of: of a connection that is gone Node tells only what
 * somebody has asked for before.
 */
export function noteAddress(req: IncomingMessage): void {
  connectionAddress(req);
}

/** On a socket for both families, IPv4 peers appear as `::ffff:192.0.2.7`. */
function withoutMapping(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
