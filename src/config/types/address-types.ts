/** Option types for hosts, addresses and networks. */
import { isIPv4, isIPv6 } from 'node:net';
import { type Declare, declareType, InvalidValue } from './option.js';
import { checkPath } from './text-types.js';

export interface VersionSpec {
  /** Accept only addresses of this IP version. Default: both. */
  readonly version?: 4 | 6;
}

/** An IP address, as written. An empty value is refused. */
export const ip: Declare<string, VersionSpec> = declareType('ip', 'version', (spec: VersionSpec) => ({
  plain: true,
  empty: 'refused',
  parse: (text) => {
    const value = text.trim();
    const version = ipVersion(value);
    if (version !== 0 && (spec.version === undefined || version === spec.version)) return value;
    throw new InvalidValue(`should be an IPv${spec.version ?? '4 or IPv6'} address`);
  },
}));

/** A network, `10.0.0.0/8` or `fd00::/8`; a bare address is a network of one. An empty value is refused. */
export const cidr: Declare<string, VersionSpec> = declareType('cidr', 'version', (spec: VersionSpec) => ({
  plain: true,
  empty: 'refused',
  parse: (text) => {
    const [address = '', prefix, ...more] = text.trim().split('/');
    const version = ipVersion(address);
    const widest = version === 4 ? 32 : 128;
    const length = prefix === undefined ? widest : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN;
    if (version === 0 || more.length > 0 || !(length <= widest)) {
      throw new InvalidValue('should be a network such as 10.0.0.0/8 or fd00::/8');
    }
    if (spec.version !== undefined && version !== spec.version) {
      throw new InvalidValue(`should be an IPv${spec.version} network`);
    }
    return `${address}/${length}`;
  },
}));

/** A host name (RFC 1123 §2.1) or an IP address without brackets. An empty value is refused. */
export const host: Declare<string, object> = declareType('host', '', () => ({
  plain: true,
  empty: 'refused',
  parse: (text) => hostName(text.trim()),
}));

/** A host and a port. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

export interface HostPortSpec {
  /** An empty value means the default, so that a file can unset the value of another one. Default: false, it is refused. */
  readonly canBeEmpty?: boolean;
}

/** `host:port`; an IPv6 address must be in brackets: `[::1]:8774`. An empty value is refused, unless it `canBeEmpty`. */
export const hostport: Declare<HostPort, HostPortSpec> = declareType(
  'hostport',
  'canBeEmpty',
  (spec: HostPortSpec) => ({
    kind: 'object',
    plain: true,
    empty: spec.canBeEmpty === true ? 'unset' : 'refused',
    format: writeHostPort,
    parse: (text) => {
      const { host: name, port } = splitPort(text.trim());
      if (port === undefined) throw new InvalidValue('should be host:port, or [address]:port');
      return { host: name, port };
    },
  }),
);

/** Address to listen on: host and port (the port may come from another option), a unix socket, or an inherited socket. */
export type ListenValue =
  | { readonly kind: 'tcp'; readonly host: string; readonly port?: number }
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'fd'; readonly fd: number }
  | { readonly kind: 'systemd'; readonly name: string };

/** Bytes of the longest path that fits in `sun_path`, unix(7), with its terminator. libuv of older Nodes truncates longer ones. */
export const LONGEST_SOCKET_PATH = 107;

/** `host`, `host:port`, `[v6]:port`, `unix:/path`, `fd:3` or `systemd:name`. An empty value is refused. */
export const listen: Declare<ListenValue, object> = declareType('listen', '', () => ({
  kind: 'object',
  plain: true,
  empty: 'refused',
  format: writeListen,
  parse: (text) => parseListen(text.trim()),
}));

function parseListen(text: string): ListenValue {
  if (text.startsWith('unix:')) {
    const socket = text.slice('unix:'.length);
    if (!socket.startsWith('/') && !socket.startsWith('@')) {
      throw new InvalidValue('should be unix: and an absolute path');
    }
    checkPath(socket);
    if (Buffer.byteLength(socket) > LONGEST_SOCKET_PATH) {
      throw new InvalidValue(
        `should have a path of at most ${LONGEST_SOCKET_PATH} bytes: that of a Unix socket cannot be longer`,
      );
    }
    return { kind: 'unix', path: socket };
  }
  if (text.startsWith('fd:')) {
    if (!/^fd:\d{1,9}$/.test(text)) throw new InvalidValue('should be fd: and a descriptor, such as fd:3');
    return { kind: 'fd', fd: Number(text.slice('fd:'.length)) };
  }
  if (text.startsWith('systemd:')) {
    const name = text.slice('systemd:'.length);
    if (name === '') throw new InvalidValue('should be systemd: and the name of a socket');
    return { kind: 'systemd', name };
  }
  if (ipVersion(text) === 6) return { kind: 'tcp', host: text };
  const { host: name, port } = splitPort(text);
  return { kind: 'tcp', host: name, ...(port === undefined ? {} : { port }) };
}

function writeListen(value: ListenValue): string {
  if (value.kind === 'unix') return `unix:${value.path}`;
  if (value.kind === 'fd') return `fd:${value.fd}`;
  if (value.kind === 'systemd') return `systemd:${value.name}`;
  return value.port === undefined ? value.host : writeHostPort({ host: value.host, port: value.port });
}

/** Reports whether only this machine can reach an address or host name: 127.0.0.0/8, `::1`, `localhost`. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^(?:::ffff:)?127(?:\.\d{1,3}){3}$/i.test(host);
}

/** `127.0.0.1:8774`, `[::1]:8774`. */
export function writeHostPort(value: HostPort): string {
  return value.host.includes(':') ? `[${value.host}]:${value.port}` : `${value.host}:${value.port}`;
}

function splitPort(text: string): { host: string; port?: number } {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/s.exec(text);
  const plain = /^([^:]*)(?::(.*))?$/s.exec(text);
  const parts = bracketed ?? plain;
  if (parts === null) throw new InvalidValue('should be host:port; an IPv6 address must be in brackets: [::1]:8774');
  const name = parts[1] ?? '';
  if (bracketed !== null && ipVersion(name) !== 6)
    throw new InvalidValue('should have an IPv6 address in the brackets');
  const written = parts[2];
  if (written === undefined) return { host: hostName(name) };
  const port = /^\d{1,5}$/.test(written) ? Number(written) : Number.NaN;
  if (!(port <= 65_535)) throw new InvalidValue('should end in a port from 0 to 65535');
  return { host: hostName(name), port };
}

function hostName(text: string): string {
  if (ipVersion(text) !== 0) return text;
  const labels = text.replace(/\.$/, '').split('.');
  const legal = text.length <= 253 && labels.every((label) => /^(?!-)[a-z0-9-]{1,63}(?<!-)$/i.test(label));
  // A name of only digits and dots was intended as an address; RFC 1123 forbids such names.
  if (!legal || /^\d+$/.test(labels.at(-1) ?? '')) throw new InvalidValue('should be a host name or an IP address');
  return text;
}

/**
 * Returns 4, 6, or 0 for a text that is not an address, as `isIP` of `node:net`. That one tries IPv6 on every name, and its pattern takes 6
 * ms to compile on Node 20, at the start of each process, although configurations mostly have names and IPv4 addresses.
 */
export function ipVersion(text: string): 0 | 4 | 6 {
  if (text.includes(':')) return isIPv6(text) ? 6 : 0;
  return isIPv4(text) ? 4 : 0;
}
