/**
 * What proxies say about a request: X-Forwarded-* and RFC 7239, in one form.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import type parseForwarded from 'forwarded-parse';
import { Fault } from '../../app/index.js';

/** A hop of the chain, as the proxy after it saw it. */
export interface Hop {
  /** An IP address, or `unknown`, or an obfuscated identifier that begins with `_` (RFC 7239 §6). */
  readonly address: string;
  readonly port: number | undefined;
}

/** One family of headers, read. */
export interface Forwarding {
  /** From the client to the nearest proxy's peer, as written. */
  readonly hops: readonly Hop[];
  /** What the nearest proxy said, unchecked. */
  readonly scheme: string | undefined;
  readonly host: string | undefined;
}

/** `X-Forwarded-For`, `-Proto` and `-Host`; of a list the last element is the nearest proxy's. */
export function readXForwarded(headers: IncomingHttpHeaders): Forwarding {
  return {
    hops: elements(headers['x-forwarded-for']).map(toHop),
    scheme: elements(headers['x-forwarded-proto']).at(-1),
    host: elements(headers['x-forwarded-host']).at(-1),
  };
}

/** `Forwarded`, RFC 7239. Throws a 400 `Fault` when it cannot be read. */
export function readForwarded(header: string | undefined, parse: typeof parseForwarded): Forwarding {
  if (header === undefined) return { hops: [], scheme: undefined, host: undefined };
  let parsed: Record<string, string>[];
  try {
    parsed = parse(header);
  } catch (cause) {
    throw new Fault(400, { message: 'The Forwarded header is malformed.', cause });
  }
  const last = parsed.at(-1);
  return { hops: parsed.map((element) => toHop(element.for ?? 'unknown')), scheme: last?.proto, host: last?.host };
}

/** The elements of a comma-separated header, the last one last. */
export function elements(header: string | string[] | undefined): string[] {
  if (header === undefined) return [];
  const text = typeof header === 'string' ? header : header.join(',');
  return text.split(',').map((element) => element.trim());
}

/** `192.0.2.7`, `192.0.2.7:80`, `[2001:db8::7]:80`, `2001:db8::7`, `unknown`, `_hidden`. */
function toHop(text: string): Hop {
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
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  return { address: mapped ?? address, port: number > 0 && number < 65_536 ? number : undefined };
}
