/**
 * What a server may be told: where it listens, and the limits and times of `[wsgi]`.
 */
import type { TlsOptions } from 'node:tls';
import type { FaultStyle } from '../app/index.js';
import type { Logger } from '../log.js';
import type { ListenAddress } from '../service/index.js';

/** The limits and times of a server. Times are in seconds, fractions allowed. */
export interface ServerLimits {
  /** Requests at work at once; more wait in order. Default 100, 0 = no limit. */
  readonly defaultPoolSize: number;
  /** Seconds an idle connection is kept; advertised one second shorter. Default 65. */
  readonly keepAliveTimeout: number;
  /** Seconds idle connections get when the server stops. Default 0.25, 0 = none. */
  readonly drainIdle: number;
}

/** How a {@link Server} listens and answers. */
export interface ServerOptions extends Partial<ServerLimits> {
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
  /** The format of faults that reach the server: `portico` (default) or `openstack`. */
  readonly faultStyle?: FaultStyle;
  /** Default: none. */
  readonly log?: Logger;
}

/** The limits with their defaults filled in. */
export function serverLimits(options: Partial<ServerLimits>): ServerLimits {
  return {
    defaultPoolSize: options.defaultPoolSize ?? 100,
    keepAliveTimeout: options.keepAliveTimeout ?? 65,
    drainIdle: options.drainIdle ?? 0.25,
  };
}

/** Where a server with these options listens. Throws a RangeError for a backlog below 1. */
export function listenAddress(options: ServerOptions): ListenAddress {
  const backlog = options.backlog ?? 511;
  if (backlog < 1) throw new RangeError('The backlog must be more than 0');
  if (options.path !== undefined) return { path: options.path, backlog };
  return { host: options.host ?? '127.0.0.1', port: options.port ?? 0, backlog };
}
