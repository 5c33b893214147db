/**
 * Options of a server in code, with its address and `[wsgi]`; and the options of Node's server derived from them.
 */

import type { ServerOptions as HttpOptions } from 'node:http';
import type { TlsOptions } from 'node:tls';
import type { FaultStyle, Filter } from '../app/index.js';
import { CACHE_CONTROL, type CacheControl, checkFaultForm } from '../app/internal.js';
import { camelCase } from '../config/internal.js';
import { refuseUnknownOptions, refuseWrongValues, withCode } from '../errors/index.js';
import type { Logger, LogOption } from '../log/index.js';
import { checkedLog, silentLogger } from '../log/internal.js';
import type { ListenAddress } from '../service/index.js';
import { DEFAULT_BACKLOG } from './endpoint.js';
import { type WsgiOptions, wsgiOptions } from './wsgi-options.js';

/** Options of a {@link Server}. Includes the options of `[wsgi]`; durations in seconds. */
export interface ServerOptions extends Partial<WsgiOptions> {
  /** Default 127.0.0.1: an address that other machines can reach must be configured. */
  readonly host?: string;
  /** Default 0: the system picks one; `addresses` has it after the start. */
  readonly port?: number;
  /** A unix socket in place of host and port; mode 0660. */
  readonly path?: string;
  /** Connections that the kernel queues until they are accepted. Default 511, at least 1. */
  readonly backlog?: number;
  /** Certificate, key and other options of `node:tls`. Absent: plain HTTP. */
  readonly tls?: TlsOptions;
  /** Seconds that a request may wait for `defaultPoolSize`; then 503. Default 30: most clients have given up by then. */
  readonly queueTimeout?: number;
  /** Seconds to discard the rest of a request after its response, so that the client can read that. Default 30. */
  readonly lingeringTime?: number;
  /** Seconds without a byte until such a connection is closed. Default 5, as in nginx. */
  readonly lingeringTimeout?: number;
  /** Seconds that idle connections have when the server stops. Default 0.25, 0 = none. */
  readonly drainIdle?: number;
  /** Requests after which `onExhausted` is called. Default 0: never. */
  readonly maxRequests?: number;
  /** Called once, when `maxRequests` requests had their responses: the process should be replaced. */
  readonly onExhausted?: () => void;
  /** Reports whether others consider the service dead, for the health check plugin `service_record`. Default: never. */
  readonly recordLost?: () => boolean;
  /** Form of faults, also of those of Routers and filters. Default `portico`. */
  readonly faultStyle?: FaultStyle;
  /** Status of a request that a schema refuses. Default 400. */
  readonly invalidInputStatus?: number;
  /**
   * `Cache-Control` of responses to authenticated callers, unless the app sets or removes it: `private`, or `none`, no header. Default
   * `private`.
   */
  readonly cacheControl?: CacheControl;
  /** Filters, outermost first, around responses to requests that the server refuses before its app. Default: none. */
  readonly aroundRefusals?: readonly Filter[];
  /** Default: none. */
  readonly log?: LogOption;
}

/** Limits of a server: the values of `[wsgi]`, and times in seconds that no configuration needs to change. */
export type ServerLimits = WsgiOptions &
  Required<Pick<ServerOptions, 'queueTimeout' | 'lingeringTime' | 'lingeringTimeout'>>;

const NAMES: readonly Exclude<keyof ServerOptions, keyof WsgiOptions>[] = [
  'queueTimeout',
  'lingeringTime',
  'lingeringTimeout',
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
  'cacheControl',
  'aroundRefusals',
  'log',
];

/** Returns the log of a server. Throws `PORTICO_INVALID_OPTION` for a value that is no logger. */
export function serverLog(log: LogOption | undefined): Logger {
  return checkedLog('PORTICO_INVALID_OPTION', 'a Server', log) ?? silentLogger();
}

/** Returns the limits, with defaults. Throws a RangeError that names the option. */
export function limitsOf(options: ServerOptions): ServerLimits {
  const { queueTimeout = 30, lingeringTime = 30, lingeringTimeout = 5 } = options;
  const values: Record<string, unknown> = { queueTimeout, lingeringTime, lingeringTimeout };
  for (const [name, option] of Object.entries(wsgiOptions)) {
    const key = camelCase(name);
    const value = options[key as keyof WsgiOptions];
    try {
      values[key] = value === undefined ? option.default : option.check(value);
    } catch (error) {
      throw withCode(new RangeError(`${key}: ${(error as Error).message}`), 'PORTICO_INVALID_OPTION');
    }
  }
  return Object.freeze(values) as unknown as ServerLimits;
}

/** Returns the address of a server with these options. Throws `PORTICO_INVALID_OPTION` for unknown ones, a RangeError for a backlog below 1. */
export function listenAddress(options: ServerOptions): ListenAddress {
  const names = [...NAMES, ...Object.keys(wsgiOptions).map(camelCase)];
  refuseUnknownOptions('PORTICO_INVALID_OPTION', 'a Server', options, names);
  checkFaultForm('PORTICO_INVALID_OPTION', 'a Server', options);
  refuseWrongValues('PORTICO_INVALID_OPTION', 'a Server', options, { cacheControl: CACHE_CONTROL });
  const backlog = options.backlog ?? DEFAULT_BACKLOG;
  if (backlog < 1) throw withCode(new RangeError('The backlog must be more than 0'), 'PORTICO_INVALID_BACKLOG');
  if (options.path !== undefined) return { path: options.path, backlog };
  return { host: options.host ?? '127.0.0.1', port: options.port ?? 0, backlog };
}

/** Returns the limits that `node:http` enforces, under its names. */
export function nodeOptions(limits: WsgiOptions): HttpOptions {
  const requestTimeout = limits.requestTimeout * 1000;
  const headersTimeout = limits.headersTimeout * 1000;
  return {
    maxHeaderSize: limits.maxHeaderSize,
    // The guard checks it, with the same response as for other refusals.
    requireHostHeader: false,
    requestTimeout,
    // Node requires that it is no longer than the time of the whole request.
    headersTimeout: requestTimeout === 0 ? headersTimeout : Math.min(headersTimeout, requestTimeout),
    // Node sets a timer after each response and clears it at the next request. `ConnectionTimeouts`, which checks the
    // connections anyway, saves 1.2 µs of 34 for each request.
    keepAliveTimeout: 0,
    connectionsCheckingInterval: checkMs(limits),
    keepAlive: limits.tcpKeepidle > 0,
    keepAliveInitialDelay: limits.tcpKeepidle * 1000,
  };
}

/**
 * Returns the interval of Node's checks for slow headers and requests: a quarter of the shorter time limit, from one to ten seconds, because each
 * check wakes a process that has nothing else to do.
 */
function checkMs(limits: WsgiOptions): number {
  return Math.min(Math.max(shortestTime(limits) / 4, 1000), 10_000);
}

/** Returns the time limit of incomplete headers in milliseconds; Infinity: none. */
function shortestTime({ requestTimeout, headersTimeout }: WsgiOptions): number {
  return Math.min(requestTimeout || Number.POSITIVE_INFINITY, headersTimeout || Number.POSITIVE_INFINITY) * 1000;
}

/**
 * Returns the time after which Node has ended incomplete headers, in milliseconds from their first byte; Infinity: never.
 */
export function headTime(limits: WsgiOptions): number {
  return shortestTime(limits) + checkMs(limits);
}

/**
 * Returns the advertised time of an idle connection, in milliseconds; 0: none. It is closed one second later, so that a
 * client that respects the hint never meets the close.
 */
export function advertisedKeepAlive({ keepAliveTimeout }: WsgiOptions): number {
  return keepAliveTimeout === 0 ? 0 : Math.max(1, keepAliveTimeout * 1000 - 1000);
}

/** For `node:https`, in milliseconds: it has no "never", so that is 24 days. */
export function handshakeTimeout(limits: WsgiOptions): number {
  return limits.handshakeTimeout === 0 ? 2 ** 31 - 1 : limits.handshakeTimeout * 1000;
}

/** Returns the number of the request whose response ends its connection. */
export function lastRequest({ keepAlive, maxRequestsPerConnection }: WsgiOptions): number {
  return keepAlive ? maxRequestsPerConnection || Number.POSITIVE_INFINITY : 1;
}

/**
 * Returns the field in which a proxy sends the scheme of a request, nova's `secure_proxy_ssl_header`:
 * `X-Forwarded-Proto`, or `HTTP_X_FORWARDED_PROTO` in WSGI's spelling.
 */
export function schemeField({ secureProxySslHeader: name = '' }: WsgiOptions): string | undefined {
  const field = name.trim().toLowerCase();
  return field === '' ? undefined : field.replace(/^http_/, '').replaceAll('_', '-');
}
