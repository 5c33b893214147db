/** proxy_headers: finds the client address behind proxies. */
import { isIP, isIPv4 } from 'node:net';
import type parseForwarded from 'forwarded-parse';
import { Fault, filterFactory, type Remote } from '../app/index.js';
import {
  connectionAddress,
  connectionRemote,
  type Exchange,
  exchangeOf,
  FIELD,
  optionOrigin,
  readField,
  readHeaders,
} from '../app/internal.js';
import { boolean, cidr, defineOptions, list, oneOf } from '../config/index.js';
import { InvalidValue, writtenElsewhere } from '../config/internal.js';
import { ConfigurationRefused } from '../errors/index.js';
import { forwardingFamily } from '../text/index.js';
import { unmapped } from './addresses.js';
import { removeHeaders } from './headers.js';

const proxyHeadersOptions = defineOptions({
  trusted_proxies: list({
    default: [],
    help: 'Trusted proxies: networks such as 10.0.0.0/8, loopback, linklocal, uniquelocal, or the number of hops. Default: none.',
  }),
  header_style: oneOf(['x-forwarded', 'forwarded', 'auto'], {
    default: 'x-forwarded',
    help: 'Headers to read: x-forwarded (X-Forwarded-*), forwarded (RFC 7239), or auto (Forwarded if there is no X-Forwarded-For).',
  }),
  trust_prefix: boolean({ default: false, help: 'Prepend X-Forwarded-Prefix to the script name.' }),
});
writtenElsewhere(proxyHeadersOptions, {
  meant: { enable_proxy_headers_parsing: 'write trusted_proxies, the networks of the proxies to trust' },
});

/** Reports whether the hop with this address is trusted. `at` is its distance from this service; 0 is the peer. */
type Trust = (address: string, at: number) => boolean;

/**
 * Finds the address, scheme, host and prefix of the client for all inner layers: `remoteOf(req)`.
 *
 * Follows the chain from the peer outwards over trusted hops; the first other hop is the client. Scheme and host come only from the
 * nearest trusted proxy. If the peer is not trusted, all forwarding headers are removed. Responds with 400 to a malformed scheme, host, prefix
 * or `Forwarded` of a trusted proxy.
 */
export const proxyHeaders = filterFactory(
  'proxy_headers',
  proxyHeadersOptions,
  async (options, ctx) => {
    const trusts = await compileTrust(options.trustedProxies, optionOrigin(ctx, 'proxy_headers', 'trusted_proxies'));
    const { default: parse } = await import('forwarded-parse');
    const { headerStyle, trustPrefix } = options;

    const usesForwarded = (exchange: Exchange): boolean => {
      if (headerStyle !== 'auto') return headerStyle === 'forwarded';
      // Proxies send an empty header in place of none.
      return (readField(exchange, 'forwarded') ?? '') !== '' && (readField(exchange, 'x-forwarded-for') ?? '') === '';
    };

    const resolve = (exchange: Exchange, families: number): void => {
      const peer = connectionRemote(exchange.req);
      const forwarded = usesForwarded(exchange);
      const said = forwarded
        ? readForwarded(readField(exchange, 'forwarded'), parse)
        : readXForwarded(
            readField(exchange, 'x-forwarded-for'),
            readField(exchange, 'x-forwarded-proto'),
            readField(exchange, 'x-forwarded-host'),
          );
      const { address, port } = clientOf(peer, said, trusts);
      exchange.remote = {
        address,
        port,
        scheme: checkedScheme(said.scheme) ?? peer.scheme,
        host: checkedHost(said.host) ?? peer.host,
      };
      if (trustPrefix) {
        exchange.forwardedPrefix = checkedPrefix(readField(exchange, 'x-forwarded-prefix'));
        exchange.scriptName = exchange.forwardedPrefix + exchange.scriptName;
      }
      const unused = forwarded ? families & ~FIELD.FORWARDED : families & ~FIELD.X_FORWARDED;
      if (unused !== 0) removeHeaders(exchange.req, forwarded ? isXForwarded : (name) => name === 'forwarded');
    };

    return (app) => (req, res) => {
      const exchange = exchangeOf(req);
      const families = (exchange.fieldKinds & FAMILIES) === 0 ? 0 : forwardingOf(exchange);
      if (families === 0) return app(req, res);
      exchange.forwarded = true;
      if (trusts(connectionAddress(req), 0)) resolve(exchange, families);
      else removeHeaders(req, isAboutClient);
      return app(req, res);
    };
  },
  { trial: true },
);

const isXForwarded = (name: string): boolean => forwardingFamily(name) === 'x-forwarded';
const isAboutClient = (name: string): boolean => name === 'forwarded' || isXForwarded(name);

const FAMILIES = FIELD.FORWARDED | FIELD.X_FORWARDED | FIELD.UNDERSCORE;

/** Returns the families of forwarding headers in the request. A name with `_` can belong to either family. */
function forwardingOf(exchange: Exchange): number {
  const { fieldKinds: kinds } = exchange;
  if ((kinds & FIELD.UNDERSCORE) === 0) return kinds & (FIELD.FORWARDED | FIELD.X_FORWARDED);
  let families = 0;
  for (const name in readHeaders(exchange)) {
    if (name === 'forwarded') families |= FIELD.FORWARDED;
    else if (isXForwarded(name)) families |= FIELD.X_FORWARDED;
    else if (name.startsWith('x_')) families |= FIELD.UNDERSCORE;
  }
  return families;
}

/** Refuses an entry that is not a network, because a typo must not change the set of trusted proxies. */
async function compileTrust(entries: readonly string[], origin: ConfigurationRefused['origin']): Promise<Trust> {
  if (entries.length === 0) return () => false;
  const [first = ''] = entries;
  if (entries.length === 1 && /^\d+$/.test(first)) return (_address, at) => at < Number(first);
  for (const entry of entries) {
    if (['loopback', 'linklocal', 'uniquelocal'].includes(entry)) continue;
    try {
      cidr().parse(entry);
    } catch (error) {
      throw new ConfigurationRefused('PORTICO_CONFIG_VALUE', {
        message: `${entry} is not a trusted proxy: it ${error instanceof InvalidValue ? error.message : 'is malformed'}`,
        hint: 'Write networks, loopback, linklocal, uniquelocal, or the number of hops.',
        origin,
      });
    }
  }
  const { default: proxyAddr } = await import('proxy-addr');
  const inRange = proxyAddr.compile([...entries]);
  return remembering((address) => address === 'unix' || inRange(address, 0));
}

/** Maximum number of cached addresses. It is low, because clients can choose addresses. */
const REMEMBERED = 128;
const LONGEST_ADDRESS = 45;

/** Caches the result for each address: requests come from few proxies, and to parse their addresses took a third of this filter's time. */
function remembering(trusts: (address: string) => boolean): Trust {
  const known = new Map<string, boolean>();
  return (address) => {
    const before = known.get(address);
    if (before !== undefined) return before;
    const trusted = trusts(address);
    if (known.size >= REMEMBERED) known.clear();
    if (address.length <= LONGEST_ADDRESS) known.set(address, trusted);
    return trusted;
  };
}

/** Returns the first hop that is not trusted, or the outermost one. */
function clientOf(peer: Remote, { hops }: Forwarding, trusts: Trust): Hop {
  let client: Hop = peer;
  for (let at = 1; at <= hops.length; at++) {
    client = hops[hops.length - at]!;
    if (!isAddress(client) || !trusts(client.address, at)) break;
  }
  return client;
}

function checkedScheme(scheme: string | undefined): 'http' | 'https' | undefined {
  if (scheme === undefined) return undefined;
  if (scheme === 'https' || scheme === 'http') return scheme;
  const known = scheme.toLowerCase();
  if (known === 'http' || known === 'https') return known;
  throw new Fault(400, { message: 'The forwarded scheme is neither http nor https.' });
}

const HOST = /^(?:[A-Za-z0-9_.~-]+|\[([0-9A-Fa-f:.]+)\])(?::(\d{1,5}))?$/;

/** The last valid host: nearly all requests have the same. */
let goodHost: string | undefined;

function checkedHost(host: string | undefined): string | undefined {
  if (host === undefined || host === goodHost) return host;
  const [match, address, port = 0] = HOST.exec(host) ?? [];
  const valid = match !== undefined && Number(port) <= 65_535 && (address === undefined || isIP(address) === 6);
  if (valid && host.length <= 255) {
    goodHost = host;
    return host;
  }
  throw new Fault(400, { message: 'The forwarded host is not a host, or a host and a port.' });
}

function checkedPrefix(header: Field): string {
  const prefix = lastElement(header);
  if (prefix === undefined || prefix === '/') return '';
  const valid = /^(?:\/[A-Za-z0-9\-._~!$&'()*+,;=:@%]+)+\/?$/.test(prefix) && !/(?:^|\/)\.\.?(?:\/|$)/.test(prefix);
  if (valid) return prefix.replace(/\/$/, '');
  throw new Fault(400, { message: 'The forwarded prefix is not a path.' });
}

/** A hop of the chain, as the next proxy reported it. */
interface Hop {
  /** An IP address, `unknown`, or an obfuscated identifier that begins with `_` (RFC 7239 §6). */
  readonly address: string;
  readonly port: number | undefined;
}

/** Reports whether a hop is an IP address, as all are that have no other form. */
function isAddress({ address }: Hop): boolean {
  return address !== 'unknown' && !address.startsWith('_');
}

/** The content of one family of headers. */
interface Forwarding {
  /** The hops from the client to the peer of the nearest proxy, in the order of the header. */
  readonly hops: readonly Hop[];
  /** The unchecked values of the nearest proxy. */
  readonly scheme: string | undefined;
  readonly host: string | undefined;
}

/** Parses `X-Forwarded-For`, `-Proto` and `-Host`. */
export function readXForwarded(hops: Field, scheme?: Field, host?: Field): Forwarding {
  return { hops: elements(hops).map(toHop), scheme: lastElement(scheme), host: lastElement(host) };
}

/** Parses `Forwarded` (RFC 7239). Throws a `Fault` 400 if it is malformed. */
export function readForwarded(header: string | undefined, parse: typeof parseForwarded): Forwarding {
  if (header === undefined || header === '') return { hops: [], scheme: undefined, host: undefined };
  let parsed: Record<string, string>[];
  try {
    parsed = parse(header);
  } catch (cause) {
    throw new Fault(400, { message: 'The Forwarded header is malformed.', cause });
  }
  const last = parsed.at(-1);
  return { hops: parsed.map((element) => toHop(element.for ?? 'unknown')), scheme: last?.proto, host: last?.host };
}

/** The value of a field: a list only if other code has set it. */
type Field = string | string[] | undefined;

/** Splits a comma-separated header into its elements. An empty header has none. */
function elements(header: Field): string[] {
  if (header === undefined || header === '') return NONE;
  if (typeof header === 'string' && !header.includes(',')) return [header.trim()];
  const text = typeof header === 'string' ? header : header.join(',');
  return text.split(',').map((element) => element.trim());
}

const NONE: string[] = [];

/** Returns the last element of a comma-separated header, which the nearest proxy has written. */
function lastElement(header: Field): string | undefined {
  if (header === undefined || header === '') return undefined;
  const text = typeof header === 'string' ? header : header.join(',');
  return text.slice(text.lastIndexOf(',') + 1).trim();
}

/** Parses `192.0.2.7`, `192.0.2.7:80`, `[2001:db8::7]:80`, `2001:db8::7`, `unknown` or `_hidden`. */
function toHop(text: string): Hop {
  if (isIPv4(text)) return { address: text, port: undefined };
  const bracketed = /^\[([^\]]*)\](?::(\d{1,5}))?$/.exec(text);
  if (bracketed !== null && isIP(bracketed[1]!) === 6) return hop(bracketed[1]!, bracketed[2]);
  if (isIP(text) !== 0) return hop(text, undefined);
  const withPort = /^([^:]*):(\d{1,5}|_[\w.-]+)$/.exec(text);
  if (withPort !== null && isIP(withPort[1]!) === 4) return hop(withPort[1]!, withPort[2]);
  const name = withPort?.[1] ?? text;
  return hop(/^_[\w.-]{1,100}$/.test(name) ? name : 'unknown', undefined);
}

function hop(address: string, port: string | undefined): Hop {
  const number = Number(port);
  // The zone of an IPv6 address means something on one machine only (RFC 4007 §11), and may be any text.
  const [global] = address.split('%', 1);
  return { address: unmapped(global!), port: number > 0 && number < 65_536 ? number : undefined };
}
