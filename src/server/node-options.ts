/**
 * From the options of `[wsgi]` to those of Node's own servers, which keep some of the limits.
 */
import type { ServerOptions as HttpOptions } from 'node:http';
import type { WsgiOptions } from './api/wsgi-options.js';
import type { TimeoutLimits } from './connections/timeouts.js';

/** What `node:http` enforces, in its words. */
export function nodeOptions(limits: WsgiOptions): HttpOptions {
  const requestTimeout = limits.requestTimeout * 1000;
  const headersTimeout = limits.headersTimeout * 1000;
  return {
    maxHeaderSize: limits.maxHeaderSize,
    // The guard asks for it, in the form of all other refusals.
    requireHostHeader: false,
    requestTimeout,
    // Node wants it not to be longer than the time of the whole request.
    headersTimeout: requestTimeout === 0 ? headersTimeout : Math.min(headersTimeout, requestTimeout),
    // Node sets a timer after each answer and ends it at the next request. `ConnectionTimeouts`, which looks at the connections
    // anyway, costs a request 1.2 µs less of 34.
    keepAliveTimeout: 0,
    connectionsCheckingInterval: CHECK_MS,
    keepAlive: limits.tcpKeepidle > 0,
    keepAliveInitialDelay: limits.tcpKeepidle * 1000,
  };
}

/** How often Node looks for heads and requests that take too long. */
const CHECK_MS = 1000;

/** When Node has ended a head that does not end, in milliseconds from its first byte; Infinity: never. */
function headTime(limits: WsgiOptions): number {
  const { headersTimeout, requestTimeout } = nodeOptions(limits);
  return (headersTimeout || requestTimeout || Number.POSITIVE_INFINITY) + CHECK_MS;
}

/**
 * The time that answers advertise for an idle connection, in milliseconds; 0: none. It is closed one second later, so that
 * a client which honours the hint never meets the closing.
 */
export function advertisedKeepAlive({ keepAliveTimeout }: WsgiOptions): number {
  return keepAliveTimeout === 0 ? 0 : Math.max(1, keepAliveTimeout * 1000 - 1000);
}

/** For `node:https`, in milliseconds: it knows no "never", so that is 24 days. */
export function handshakeTimeout(limits: WsgiOptions): number {
  return limits.handshakeTimeout === 0 ? 2 ** 31 - 1 : limits.handshakeTimeout * 1000;
}

/** The number of the request whose answer ends its connection. */
export function lastRequest({ keepAlive, maxRequestsPerConnection }: WsgiOptions): number {
  return keepAlive ? maxRequestsPerConnection || Number.POSITIVE_INFINITY : 1;
}

/** The limits that Node does not keep, in milliseconds. */
export function timeoutLimits(limits: WsgiOptions): TimeoutLimits {
  return {
    bodyGraceMs: limits.bodyGrace * 1000,
    minBodyRate: limits.minBodyRate,
    keepAliveMs: limits.keepAliveTimeout * 1000,
    headMs: headTime(limits),
    sendTimeoutMs: limits.sendTimeout * 1000,
    socketTimeoutMs: limits.clientSocketTimeout * 1000,
  };
}
