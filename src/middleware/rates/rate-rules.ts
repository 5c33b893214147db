/** Parses the rules of rate_limit, and finds the key of a request. */
import { hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { environ } from '../../app/index.js';
import { collapsed, writtenPath } from '../../app/internal.js';
import { ConfigurationRefused, type Origin } from '../../errors/index.js';
import { addressKey } from '../addresses.js';
import type {} from '../auth/identity.js';
import { behindScheme, userTokenOf } from '../auth/presented-token.js';

const KEYS = ['address', 'project', 'user', 'token-hash', 'route'] as const;

/** A parsed rule. */
export interface RateRule {
  readonly name: string;
  readonly key: (typeof KEYS)[number];
  /** Requests per second. */
  readonly rate: number;
  /** Maximum number of requests at once. */
  readonly burst: number;
  readonly methods: ReadonlySet<string> | undefined;
  /** Matches `requestPath(req)`. */
  readonly path: RegExp | undefined;
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Parses `name key rate burst [methods] [path]`. Throws a `ConfigurationRefused` (`PORTICO_RATE_RULE`) that names the wrong part. */
export function parseRule(text: string, origin: Origin | undefined): RateRule {
  const [name = '', key = '', rate = '', burst = '', ...rest] = text.trim().split(/\s+/);
  const refused = (message: string): ConfigurationRefused =>
    new ConfigurationRefused('PORTICO_RATE_RULE', {
      message: `rate limit rule "${text.replaceAll(/\s+/g, ' ')}": ${message}`,
      hint: text.includes('\n')
        ? 'In this file each rule needs a line that begins with `rules =`: an indented line continues the rule above it.'
        : 'Write name key rate burst [methods] [path], such as "boot project 5/m 5 POST /servers".',
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

/** A rule for GET also applies to HEAD. */
function methodSet(text: string): ReadonlySet<string> {
  const methods = text.toUpperCase().split(',');
  return new Set(methods.includes('GET') ? [...methods, 'HEAD'] : methods);
}

/** Compiles the path of a rule. `*` matches one segment; the rule also applies to everything below the path. */
function pathPattern(path: string): RegExp {
  const segments = collapsed(path).replace(/\/+$/, '').split('/');
  const source = segments.map((segment) =>
    segment === '*' ? '[^/]+' : writtenPath(segment).replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`),
  );
  return new RegExp(`^${source.join('/')}(?:/|$)`);
}

const BEARER = behindScheme('Bearer');

/** Returns the key of the bucket, or undefined if the request has no such caller. `address` is the address of the client. */
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

/** Returns the credentials in one form, independent of case and spaces of the scheme (RFC 9110 §11.4). */
function credentialsOf({ headers: { authorization } }: IncomingMessage): string | undefined {
  const [, scheme = '', rest = ''] = /^(\S+)(.*)$/s.exec(authorization?.trim() ?? '') ?? [];
  return scheme === '' ? undefined : `${scheme.toLowerCase()} ${rest.trim()}`;
}
