/** URLs of stores in Redis or Valkey: one server, the servers that Sentinel knows, or a cluster, each also with TLS. */
import { readFileSync } from 'node:fs';
import { errorText, PorticoError } from 'portico/extension';

/** Files for TLS that a query can name. */
const FILES = ['ca', 'cert', 'key'] as const;

/** Parts of a URL. */
export interface RedisUrl {
  readonly kind: 'server' | 'sentinel' | 'cluster';
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  /** The name under which Sentinel knows the servers. */
  readonly service: string;
  readonly database: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly sentinelPassword: string | undefined;
  /** Undefined without TLS. */
  readonly tls: Readonly<Partial<Record<(typeof FILES)[number], Buffer>>> | undefined;
}

/** Reads a URL. Throws `PORTICO_STORE`; no message contains any part of the URL, but for the name of a file. */
export function readUrl(text: string): RedisUrl {
  const parts = /^(rediss?)(?:\+(sentinel|cluster))?:\/\/(?:([^/?#]*)@)?([^@/?#]+)(?:\/([^?#]*))?(?:\?([^#]*))?$/.exec(
    text,
  );
  if (parts === null) throw unreadable('it is not scheme://hosts/database');
  const [, protocol, kind = 'server', user, hosts = '', path = '', query] = parts as (string | undefined)[];
  // A file of the query may have one.
  if (path.includes('@')) throw unreadable('a / in its user or password is written %2F');
  const [service = '', database = ''] = kind === 'sentinel' ? path.split(/\/(.*)/) : ['', path];
  if (kind === 'sentinel' && service === '') throw unreadable('the name of the service is missing behind the hosts');
  if (kind === 'server' && hosts.includes(',')) throw unreadable('a server has one host');
  if (kind === 'cluster' && database !== '') throw unreadable('a cluster has no database');
  if (!/^\d*$/.test(database)) throw unreadable('its database is not a number');
  const [username, password] = (user ?? '').split(/:(.*)/, 2).map(decoded);
  const { sentinel_password: sentinelPassword, ...files } = Object.fromEntries(new URLSearchParams(query));
  if (kind !== 'sentinel' && sentinelPassword !== undefined) throw unreadable('only Sentinel has a sentinel_password');
  if (protocol !== 'rediss' && Object.keys(files).length > 0) throw unreadable('only a scheme with TLS has files');
  return {
    kind: kind as RedisUrl['kind'],
    hosts: hosts.split(',').map((host) => address(host, kind === 'sentinel' ? 26_379 : 6379)),
    service: decoded(service),
    database: Number(database),
    username: username || undefined,
    password: password || undefined,
    sentinelPassword,
    tls: protocol === 'rediss' ? Object.fromEntries(Object.entries(files).map(content)) : undefined,
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw unreadable('a % in it is not followed by two hexadecimal digits');
  }
}

function address(text: string, usual: number): { host: string; port: number } {
  const [, name, bare, port] = /^(?:\[([\da-f:.]+)\]|([\w.-]+))(?::(\d+))?$/i.exec(text) ?? [];
  const host = name ?? bare;
  if (host === undefined || Number(port) > 65_535) throw unreadable('a host is not name:port');
  return { host, port: port === undefined ? usual : Number(port) };
}

function content([name, file]: [string, string]): [string, Buffer] {
  if (!FILES.includes(name as (typeof FILES)[number])) throw unreadable(`its query can have ${FILES.join(', ')} only`);
  try {
    return [name, readFileSync(file)];
  } catch (error) {
    throw unreadable(`its ${name} cannot be read: ${errorText(error)}`);
  }
}

function unreadable(reason: string): PorticoError {
  return new PorticoError('PORTICO_STORE', {
    message: `the URL of the store cannot be read: ${reason}`,
    hint: 'Write redis://user:password@host:6379/0, redis+sentinel://host1,host2/service, redis+cluster://host1,host2, or rediss… with ?ca=/path/ca.pem for TLS.',
  });
}
