/**
 * Transport URLs of oslo.messaging: `driver://[user:password@]host[:port][,…]/[virtual host][?option=value]`. `new URL()` does not support
 * several hosts.
 */
import { ConfigurationRefused } from 'portico/extension';
import { transportOf } from './scheme.js';

/** A node of a broker. */
export interface TransportHost {
  readonly host: string;
  readonly port?: number | undefined;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
}

/** A parsed URL. */
export interface TransportUrl {
  /** In lower case, without the part after its `+`; `oslo` has that. */
  readonly driver: string;
  readonly hosts: readonly TransportHost[];
  /** Undefined: the broker's default. */
  readonly virtualHost?: string | undefined;
  /** Options of `[rpc]` that it overrides, as written. */
  readonly query: ReadonlyMap<string, string>;
  /** Warnings, which do not refuse the URL. */
  readonly warnings: readonly string[];
  /** Printable URL without passwords. */
  readonly shown: string;
}

/**
 * Parses a transport URL. Throws `PORTICO_RPC_URL`; the error shows no password. Hosts are split first, then user and host at the last `@`
 * of each, and then both are percent-decoded.
 */
export function parseTransportUrl(text: string): TransportUrl {
  const match = /^([a-z][a-z0-9.-]*)(\+[a-z0-9.-]+)?:\/\/([^/?]*)(\/[^?]*)?(\?.*)?$/is.exec(text);
  if (match === null) {
    throw refused(
      'the transport URL is malformed or has no scheme',
      'Write memory:// or amqp://user:password@host:5672/.',
    );
  }
  const [, scheme, more = '', authority = '', path = '', query = ''] = match;
  const driver = transportOf(`${scheme}${more}`);
  if (driver === 'local') {
    throw refused(
      'local:// is not a transport',
      'Write memory:// inside one process, amqp:// between processes and machines.',
    );
  }
  const hosts = authority === '' ? [] : authority.split(',').map(hostOf);
  if (path.includes('@')) {
    throw refused('the transport URL has an @ after a /', 'Write / in a password as %2F, @ in a virtual host as %40.');
  }
  const virtualHost = decoded(path.slice(1), 'the virtual host');
  const withUser = hosts.filter(({ user }) => user !== undefined);
  const warnings: string[] = [];
  if (withUser.length > 0 && withUser.length < hosts.length) {
    warnings.push(`only ${withUser.map(({ host }) => host).join(', ')} of the hosts of the transport URL have a user`);
  }
  if (scheme!.toLowerCase() === 'rabbit') {
    warnings.push(
      'rabbit:// of the transport URL is read as amqp://, which services of oslo.messaging do not understand: write oslo+rabbit:// to reach them, else amqp://',
    );
  }
  return Object.freeze({
    driver,
    hosts,
    virtualHost: virtualHost === '' ? undefined : virtualHost,
    query: new Map(new URLSearchParams(query)),
    warnings,
    shown: `${driver}://${hosts.map(shownHost).join(',')}${path}`,
  });
}

/** Reports whether the exchanges and queues of a URL are those of oslo.messaging. */
export function isOslo({ driver }: Pick<TransportUrl, 'driver'>): boolean {
  return driver.startsWith('oslo+');
}

function hostOf(text: string, index: number): TransportHost {
  const at = text.lastIndexOf('@');
  const [user, ...rest] = at === -1 ? [] : text.slice(0, at).split(':');
  const password = rest.length === 0 ? undefined : rest.join(':');
  const place = /^(?:\[([\da-f:.]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/i.exec(text.slice(at + 1));
  const port = place?.[3] === undefined ? undefined : Number(place[3]);
  if (place === null || (port !== undefined && (port < 1 || port > 65_535))) {
    // The text there may be a password whose @ was forgotten.
    throw refused(
      `host ${index + 1} of the transport URL is malformed`,
      'Write host, host:port or [IPv6]:port, and @ in a password as %40, / as %2F, a comma as %2C.',
    );
  }
  return {
    host: place[1] ?? place[2]!,
    port,
    user: user === undefined ? undefined : decoded(user, 'the user'),
    password: password === undefined ? undefined : decoded(password, 'the password'),
  };
}

function shownHost({ host, port, user, password }: TransportHost): string {
  const name = host.includes(':') ? `[${host}]` : host;
  const login = user === undefined ? '' : `${encodeURIComponent(user)}${password === undefined ? '' : ':****'}@`;
  return `${login}${name}${port === undefined ? '' : `:${port}`}`;
}

function decoded(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw refused(`${what} of the transport URL is not correctly percent-encoded`, 'Write % as %25.', cause);
  }
}

function refused(message: string, hint: string, cause?: unknown): ConfigurationRefused {
  return new ConfigurationRefused('PORTICO_RPC_URL', { message, hint, cause });
}
