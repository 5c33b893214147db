/**
 * Options of a server: those in code, its address and `[wsgi]`; and the options of Node's own server made of them.
 */

import type { ServerOptions as HttpOptions } from 'node:http';
import type { TlsOptions } from 'node:tls';
import type { FaultStyle, Filter } from '../app/index.js';
import { checkFaultForm } from '../app/internal.js';
import { camelCase } from '../config/internal.js';
import { refuseUnknownOptions, withCode } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import type { ListenAddress } from '../service/index.js';
import { DEFAULT_BACKLOG } from './endpoint.js';
import { type WsgiOptions, wsgiOptions } from './wsgi-options.js';

/** How a {@link Server} listens and answers. The options of `[wsgi]` may be given as well; durations in seconds. */
export interface ServerOptions extends Partial<WsgiOptions> {
  /** Default 127.0.0.1: opening to the world is a decision to be written down. */
  readonly host?: string;
  /** Default 0: the system picks one; `addresses` has it after the start. */
  readonly port?: number;
  /** A unix socket instead of host and port; mode 0660. */
  readonly path?: string;
  /** Connections the kernel holds until they are accepted. Default 511, at least 1. */
  readonly backlog?: number;
  /** Certificate, key and the rest of what `node:tls` takes. Absent: plain HTTP. */
  readonly tls?: TlsOptions;
  /** Seconds that idle connections get when the server stops. Default 0.25, 0 = none. */
  readonly drainIdle?: number;
  /** Requests after which `onExhausted` is called. Default 0: never. */
  readonly maxRequests?: number;
  /** Called once, when `maxRequests` have been answered: the process wants to be replaced. */
  readonly onExhausted?: () => void;
  /** Whether others take the service for dead, for the health check plugin `service_record`. Default: they do not. */
  readonly recordLost?: () => boolean;
  /** How faults are written, those of Routers and filters as well. Default `portico`. */
  readonly faultStyle?: FaultStyle;
  /** The status of a request that a schema refuses. Default 400. */
  readonly invalidInputStatus?: number;
  /** Filters, outermost first, around the answers to requests that the server refuses before its app. Default: none. */
  readonly aroundRefusals?: readonly Filter[];
  /** Default: none. */
  readonly log?: Logger;
}

const NAMES: readonly Exclude<keyof ServerOptions, keyof WsgiOptions>[] = [
  'host',
  'port',
  'path',
  'backlog',
  'tls',
  'drainIdle',
  'maxRequests',
  'onExhausted',
  'recordLost',
  'faultStyle',
  'invalidInputStatus',
  'aroundRefusals',
  'log',
];

/** The options again. Throws `PORTICO_INVALID_OPTION` for those that do not exist. */
export function checkedServer(options: ServerOptions): ServerOptions {
  const names = [...NAMES, ...Object.keys(wsgiOptions).map(camelCase)];
  refuseUnknownOptions('PORTICO_INVALID_OPTION', 'a Server', options, names);
  checkFaultForm('PORTICO_INVALID_OPTION', 'a Server', options);
  return options;
}

/** The values of `[wsgi]`, with defaults for what is not given. Throws a RangeError that names the option. */
export function wsgiValues(options: Partial<WsgiOptions>): WsgiOptions {
  const values: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(wsgiOptions)) {
    const key = camelCase(name);
    const value = options[key as keyof WsgiOptions];
    try {
      values[key] = value === undefined ? option.default : option.check(value);
    } catch (error) {
      throw withCode(new RangeError(`${key}: ${(error as Error).message}`), 'PORTICO_INVALID_OPTION');
    }
  }
  return Object.freeze(values) as WsgiOptions;
}

/** Address of a server with these options. Throws a RangeError for a backlog below 1. */
export function listenAddress(options: ServerOptions): ListenAddress {
  const backlog = options.backlog ?? DEFAULT_BACKLOG;
  if (backlog < 1) throw withCode(new RangeError('The backlog must be more than 0'), 'PORTICO_INVALID_BACKLOG');
  if (options.path !== undefined) return { path: options.path, backlog };
  return { host: options.host ?? '127.0.0.1', port: options.port ?? 0, backlog };
}

/** The limits that `node:http` keeps, in its words. */
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
export function headTime(limits: WsgiOptions): number {
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

/**
 * The field in which a proxy says the scheme a request came with, nova's `secure_proxy_ssl_header`: `X-Forwarded-Proto`, or
 * `HTTP_X_FORWARDED_PROTO` as WSGI has it.
 */
export function schemeField({ secureProxySslHeader: name = '' }: WsgiOptions): string | undefined {
  const field = name.trim().toLowerCase();
  return field === '' ? undefined : field.replace(/^http_/, '').replaceAll('_', '-');
}
