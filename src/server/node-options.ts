/**
 * From the options of `[wsgi]` to those of Node's own servers, which keep some of the limits.
 */
import type { ServerOptions as HttpOptions } from 'node:http';
import type { WsgiOptions } from './api/wsgi-options.js';

/** What `node:http` enforces, in its words. */
export function nodeOptions(limits: WsgiOptions): HttpOptions {
  const requestTimeout = limits.requestTimeout * 1000;
  const headersTimeout = limits.headersTimeout * 1000;
  const keepAlive = limits.keepAliveTimeout * 1000;
  return {
    maxHeaderSize: limits.maxHeaderSize,
    // The guard asks for it, in the form of all other refusals.
    requireHostHeader: false,
    requestTimeout,
    // Node wants it not to be longer than the time of the whole request.
    headersTimeout: requestTimeout === 0 ? headersTimeout : Math.min(headersTimeout, requestTimeout),
    // Node closes an idle connection one second after the time it advertises, so that a client which honours the hint
    // never meets the closing.
    keepAliveTimeout: keepAlive === 0 ? 0 : Math.max(1, keepAlive - 1000),
    connectionsCheckingInterval: 1000,
    keepAlive: limits.tcpKeepidle > 0,
    keepAliveInitialDelay: limits.tcpKeepidle * 1000,
  };
}

/** For `node:https`, in milliseconds: it knows no "never", so that is 24 days. */
export function handshakeTimeout(limits: WsgiOptions): number {
  return limits.handshakeTimeout === 0 ? 2 ** 31 - 1 : limits.handshakeTimeout * 1000;
}
