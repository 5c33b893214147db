/** Hosts and origins that something responds to: the types of such options, and the comparison with those of a request. */
import { ipVersion } from './address-types.js';
import { type Declare, declareType, InvalidValue } from './option.js';

/**
 * A host that is responded to: `api.example.org`, `*.example.org` for all its subdomains, `10.0.0.1`, `[::1]`, or `*` for all hosts. With a port only on
 * that port. An empty value is refused.
 */
export const hostPattern: Declare<string, object> = declareType('host', '', () => ({
  plain: true,
  empty: 'refused',
  parse: (text) => checkedPattern(text.trim()),
}));

const FORM = 'should be a host such as api.example.org, *.example.org, 10.0.0.1 or [::1], with or without a port';

function checkedPattern(text: string): string {
  if (text === '*') return text;
  if (ipVersion(text) === 6) return `[${text}]`;
  const { name, port = 0 } = readHost(text);
  const isHost = text.startsWith('[')
    ? ipVersion(name) === 6
    : /^(?:\*\.)?\w(?:[\w.-]*\w)?$/.test(name) && !name.includes('..');
  if (isHost && Number(port) <= 65_535) return text.toLowerCase();
  if (text.startsWith('.')) throw new InvalidValue(FORM, 'Write * before it for all subdomains.');
  if (text.includes('/')) throw new InvalidValue(FORM, 'Write it without scheme and path.');
  throw new InvalidValue(FORM, text.endsWith(':*') ? 'Without a port it has any.' : undefined);
}

/**
 * An origin of pages: `https://app.example.org`, with a host as in {@link hostPattern}; without a port, the usual one of its scheme. `*` for all. An
 * empty value is refused.
 */
export const originPattern: Declare<string, object> = declareType('origin', '', () => ({
  plain: true,
  empty: 'refused',
  parse: (text) => {
    const origin = text.trim();
    if (origin === '*') return origin;
    const { scheme, host } = readOrigin(origin);
    try {
      if (scheme !== '' && host !== '*') return `${scheme}://${checkedPattern(host)}`;
    } catch {
      // The form of an origin says it too.
    }
    throw new InvalidValue(
      'should be an origin such as https://app.example.org or http://localhost:5173, without a path',
    );
  },
}));

/** A host of a request, or of an origin. */
export interface ReadHost {
  /** In lower case, an IPv6 address without brackets; empty if the text is no host. */
  readonly name: string;
  readonly port: string | undefined;
}

/** Reads `host` or `host:port`, as in the field `Host` (RFC 9110 §7.2). */
export function readHost(text: string): ReadHost {
  const [, address, name = '', port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d*))?$/.exec(text) ?? [];
  // An absolute name ends with a dot (RFC 1034 §3.1).
  return { name: (address ?? name.replace(/\.$/, '')).toLowerCase(), port: port || undefined };
}

/** Reports whether a host, which a client has reached by a scheme, is one of the patterns. */
export type HostMatcher = (host: ReadHost, scheme: string) => boolean;

/** Returns the matcher of some patterns. */
export function hostMatcher(patterns: readonly string[]): HostMatcher {
  if (patterns.includes('*')) return () => true;
  const exact = new Set<string>();
  const endings: string[] = [];
  for (const { name, port } of patterns.map(readHost)) {
    const key = port === undefined ? nameKey(name) : withPort(nameKey(name), port);
    if (name.startsWith('*.')) endings.push(key.slice(1));
    else exact.add(key);
  }
  return ({ name, port }, scheme) => {
    if (name === '') return false;
    const keys = [nameKey(name), withPort(nameKey(name), port ?? USUAL_PORTS.get(scheme) ?? '')];
    return keys.some((key) => exact.has(key) || endings.some((end) => key.endsWith(end) && key.length > end.length));
  };
}

/** Returns the matcher of the `Origin` of a request. */
export function originMatcher(patterns: readonly string[]): (origin: string) => boolean {
  if (patterns.includes('*')) return () => true;
  const byScheme = new Map<string, string[]>();
  for (const { scheme, host } of patterns.map(readOrigin)) {
    const usual = readHost(host).port === undefined ? USUAL_PORTS.get(scheme) : undefined;
    const pattern = usual === undefined ? host : `${host}:${usual}`;
    byScheme.set(scheme, [...(byScheme.get(scheme) ?? []), pattern]);
  }
  const matchers = new Map([...byScheme].map(([scheme, hosts]) => [scheme, hostMatcher(hosts)]));
  return (origin) => {
    const { scheme, host } = readOrigin(origin);
    return matchers.get(scheme)?.(readHost(host), scheme) === true;
  };
}

/** Reads `scheme://host[:port]` (RFC 6454 §6.2). Empty texts for what has no scheme, such as `null`. */
export function readOrigin(origin: string): { readonly scheme: string; readonly host: string } {
  const [, scheme = '', host = ''] = /^([a-z][a-z0-9+.-]*):\/\/(.+)$/is.exec(origin) ?? [];
  return { scheme: scheme.toLowerCase(), host };
}

const USUAL_PORTS: ReadonlyMap<string, string> = new Map([
  ['http', '80'],
  ['https', '443'],
]);

function withPort(name: string, port: string): string {
  return `${name} ${Number(port)}`;
}

/** An IPv6 address has many spellings. */
function nameKey(name: string): string {
  if (!name.includes(':')) return name;
  const url = `http://[${name}]`;
  return URL.canParse(url) ? new URL(url).hostname : name;
}
