/**
 * Rules of a rate limit, as operators write them, and who is counted by one.
 */
import { hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { environ, writtenPath } from '../../app/index.js';
import { collapsed } from '../../app/internal.js';
import { ConfigurationRefused, type Origin } from '../../errors/index.js';
import { addressKey } from '../addresses.js';
import type {} from '../auth/identity.js';
import { behindScheme, userTokenOf } from '../auth/presented-token.js';

const KEYS = ['address', 'project', 'user', 'token-hash', 'route'] as const;

/** One rule, read. */
export interface RateRule {
  readonly name: string;
  readonly key: (typeof KEYS)[number];
  /** Requests a second. */
  readonly rate: number;
  /** Requests at once. */
  readonly burst: number;
  readonly methods: ReadonlySet<string> | undefined;
  /** Over `requestPath(req)`. */
  readonly path: RegExp | undefined;
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Reads `name key rate burst [methods] [path]`; throws for anything else, saying which part is wrong. */
export function parseRule(text: string, origin: Origin | undefined): RateRule {
  const [name = '', key = '', rate = '', burst = '', ...rest] = text.trim().split(/\s+/);
  const refused = (message: string): ConfigurationRefused =>
    new ConfigurationRefused('PORTICO_RATE_RULE', {
      message: `rate limit rule "${text}": ${message}`,
      hint: 'Write name key rate burst [methods] [path], such as "boot project 5/m 5 POST /servers".',
      origin,
    });
  if (!/^[\w.-]+$/.test(name)) throw refused('its name can only have letters, digits, dots, - and _');
  const known = KEYS.find((one) => one === key);
  if (known === undefined) throw refused(`its key is not one of ${KEYS.join(', ')}`);
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(?:\/([smhd]))?$/.exec(rate) ?? [];
  if (amount === undefined || Number(amount) === 0)
    throw refused('its rate is not a number, alone or with /s /m /h /d');
  if (!/^[1-9]\d*$/.test(burst)) throw refused('its burst is not a whole number of at least 1');
  const methods = rest[0]?.startsWith('/') === false ? rest.shift() : undefined;
  const path = rest.shift();
  if (rest.length > 0 || path?.startsWith('/') === false) throw refused('it has too many parts');
  return {
    name,
    key: known,
    rate: Number(amount) / SECONDS[unit ?? 's']!,
    burst: Number(burst),
    methods: methods === undefined ? undefined : methodSet(methods),
    path: path === undefined ? undefined : pathPattern(path),
  };
}

/** HEAD is served as GET. */
function methodSet(text: string): ReadonlySet<string> {
  const methods = text.toUpperCase().split(',');
  return new Set(methods.includes('GET') ? [...methods, 'HEAD'] : methods);
}

/** `*` is any one segment; the rule holds for everything below its path. */
function pathPattern(path: string): RegExp {
  const segments = collapsed(path).replace(/\/+$/, '').split('/');
  const source = segments.map((segment) =>
    segment === '*' ? '[^/]+' : writtenPath(segment).replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`),
  );
  return new RegExp(`^${source.join('/')}(?:/|$)`);
}

const BEARER = behindScheme('Bearer');

/** The bucket of a request; undefined when this kind of caller is not known. `address` is the client's. */
export function callerKey(
  key: Exclude<RateRule['key'], 'route'>,
  req: IncomingMessage,
  address: string,
): string | undefined {
  const { context, identity } = environ(req);
  if (key === 'address') return addressKey(address);
  if (key === 'project') return context?.projectId ?? identity?.projectId;
  if (key === 'user') return context?.userId ?? identity?.userId;
  const token = userTokenOf(req, BEARER) ?? credentialsOf(req);
  return token === undefined ? undefined : hash('sha256', token, 'base64url');
}

/** As one text, however scheme and spaces are written (RFC 9110 §11.4). */
function credentialsOf({ headers: { authorization } }: IncomingMessage): string | undefined {
  const [, scheme = '', rest = ''] = /^(\S+)(.*)$/s.exec(authorization?.trim() ?? '') ?? [];
  return scheme === '' ? undefined : `${scheme.toLowerCase()} ${rest.trim()}`;
}
