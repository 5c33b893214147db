/**
 * Requests that Node's parser accepts but RFC 9110 and 9112 forbid: the guard refuses them before any filter sees them.
 *
 * The parser itself stays strict: `insecureHTTPParser` is never set.
 */
import type { IncomingMessage } from 'node:http';
import { isIPv6 } from 'node:net';
import {
  collapsed,
  type Exchange,
  encodedPath,
  FIELD,
  kindOfField,
  lastFields,
  noteField,
  removeFields,
  seesHeadersTaken,
} from '../../app/internal.js';
import { type Refusal, refusal } from '../connections/refusal.js';
import type { WsgiOptions } from '../wsgi-options.js';

/** Limits of `[wsgi]` for the guard; 0: no limit. */
type GuardLimits = Pick<WsgiOptions, 'maxHeaders' | 'maxUrlLength' | 'allowUnderscoreHeaders' | 'paths'>;

const VERSION = refusal(505, 'http version', 'Only HTTP/1.0 and HTTP/1.1 are supported.');
const URL_TOO_LONG = refusal(414, 'url too long', 'The request target is too long.');
const TOO_MANY_FIELDS = refusal(431, 'headers too many', 'The request has too many headers.');
const NO_HOST = refusal(400, 'host invalid', 'The request has no Host header.');
const BAD_HOST = refusal(400, 'host invalid', 'The Host header is not valid.');
const OTHER_HOST = refusal(400, 'host invalid', 'The request target and the Host header differ.');
const BAD_NAME = refusal(400, 'header invalid', 'The name of a header is not valid.');
const REPEATS = refusal(400, 'header invalid', 'A header that must be unique is repeated.');
const BAD_LENGTH = refusal(400, 'framing invalid', 'The Content-Length header is not valid.');
const BAD_FRAMING = refusal(400, 'framing invalid', 'The Transfer-Encoding header is not valid in this request.');
const BAD_TARGET = refusal(400, 'target invalid', 'The request target is not valid.');
const BAD_ESCAPE = refusal(400, 'target invalid', 'The path has an invalid percent-encoding.');
const BAD_SEGMENT = refusal(400, 'target invalid', 'The path has a dot segment, a backslash or a control character.');
const OTHER_SPELLING = refusal(
  400,
  'target invalid',
  'The path has an empty segment or an escape that it does not need.',
);
const NOT_OPTIONS = refusal(400, 'target invalid', 'The request target * is only valid with OPTIONS.');
const NO_CONNECT = refusal(400, 'connect', 'CONNECT is not supported.');
const UNKNOWN_CODING = refusal(501, 'transfer coding', 'The transfer coding is not implemented.');

/** Most names whose kinds are kept: clients choose them. */
const KEPT = 512;
const LONGEST = 64;

/**
 * Creates the guard of a server. It returns why it refuses a request. One that it accepts has its target in canonical form, the kinds of its
 * fields and the length of its body are known, and it has no fields whose names have an underscore, unless these are allowed.
 */
export function requestGuard(limits: GuardLimits): (exchange: Exchange) => Refusal | undefined {
  const maxRaw = limits.maxHeaders === 0 ? Number.POSITIVE_INFINITY : limits.maxHeaders * 2;
  const maxUrl = limits.maxUrlLength === 0 ? Number.POSITIVE_INFINITY : limits.maxUrlLength;
  // Nearly all requests have the same host: the last valid one is compared before anything is parsed.
  let goodHost = '';
  const known = new Map<string, number>();
  const { names, kinds: kindsOf } = lastFields;
  const learned = (name: string): number => {
    const kind = kindOfField(name);
    if (known.size < KEPT && name.length <= LONGEST) known.set(name, kind);
    return kind;
  };
  const lookedUp = (name: string, place: number): number => {
    const kind = known.get(name) ?? learned(name);
    if (name.length <= LONGEST) noteField(place, name, kind);
    return kind;
  };

  return (exchange) => {
    const { req } = exchange;
    const { method, rawHeaders, httpVersionMajor, httpVersionMinor, url = '' } = req;
    if (httpVersionMajor !== 1 || httpVersionMinor > 1) return VERSION;
    if (url.length > maxUrl) return URL_TOO_LONG;
    if (rawHeaders.length > maxRaw) return TOO_MANY_FIELDS;

    let kinds = 0;
    let host: string | undefined;
    let token: string | undefined;
    let type: string | undefined;
    let length = '0';
    let coding = '';
    for (let at = 0; at < rawHeaders.length; at += 2) {
      const name = rawHeaders[at]!;
      const place = at >> 1;
      const kind = name === names[place] ? kindsOf[place]! : lookedUp(name, place);
      if (kind === 0) continue;
      if ((kinds & kind & FIELD.UNIQUE) !== 0) kinds |= FIELD.REPEATED;
      kinds |= kind;
      if (kind === FIELD.HOST) host = rawHeaders[at + 1]!;
      else if (kind === FIELD.LENGTH) length = rawHeaders[at + 1]!;
      else if (kind === FIELD.TOKEN) token = rawHeaders[at + 1]!;
      else if (kind === FIELD.CODING) coding = rawHeaders[at + 1]!;
      // The first, as in the headers that Node makes.
      else if (kind === FIELD.TYPE) type ??= rawHeaders[at + 1]!;
    }
    if ((kinds & FIELD.MALFORMED) !== 0) return BAD_NAME;
    if ((kinds & FIELD.REPEATED) !== 0) return REPEATS;
    if ((kinds & FIELD.LENGTH) !== 0 && !/^\d{1,15}$/.test(length)) return BAD_LENGTH;
    if ((kinds & FIELD.CODING) !== 0) {
      if (coding.trim().toLowerCase() !== 'chunked') return UNKNOWN_CODING;
      if (httpVersionMinor === 0 || (kinds & FIELD.LENGTH) !== 0) return BAD_FRAMING;
    }
    if (host === undefined) {
      if (httpVersionMinor === 1) return NO_HOST;
    } else if (host !== goodHost || host === '') {
      if (!isHost(host)) return BAD_HOST;
      goodHost = host;
    }
    if (method === 'CONNECT') return NO_CONNECT;
    if (CANONICAL.test(url)) exchange.plainUrl = url;
    else {
      const refused = settleTarget(req, url, host ?? '', limits.paths);
      host ??= req.headers.host;
      if (refused !== undefined) return refused;
    }
    if (seesHeadersTaken) exchange.fieldKinds = kinds;
    if ((kinds & FIELD.UNDERSCORE) !== 0 && !limits.allowUnderscoreHeaders) {
      removeFields(exchange, (name) => name.includes('_'));
      if (seesHeadersTaken) exchange.fieldKinds = kinds ^ FIELD.UNDERSCORE;
    }
    exchange.hostField = host;
    exchange.tokenField = token;
    exchange.typeField = type;
    exchange.bodyLength = (kinds & FIELD.CODING) !== 0 ? -1 : Number(length);
    return undefined;
  };
}

type Paths = WsgiOptions['paths'];

/** Replaces the received target, which `environ(req).originalUrl` keeps, by the form that the application gets. */
function settleTarget(req: IncomingMessage, url: string, host: string, paths: Paths): Refusal | undefined {
  const target = canonicalTarget(req.method, url, paths);
  if ('status' in target) return target;
  const { authority } = target;
  if (authority !== undefined) {
    if (host !== '' && !sameAuthority(url, authority, host)) return OTHER_HOST;
    // HTTP/1.0 needs no Host field; code that reads one gets the authority.
    if (!isHost(authority)) return BAD_HOST;
    req.headers.host ??= authority;
  }
  req.url = target.url;
  return undefined;
}

/** A target: its canonical form, and the authority of the absolute form. */
export interface Target {
  readonly url: string;
  readonly authority?: string;
}

/**
 * Path and query as nearly all clients write them: nothing to decode, no empty segment, no segment that begins with a
 * dot.
 */
export const CANONICAL =
  /^\/(?:[\w~!$&'()*+,;=:@-][\w.~!$&'()*+,;=:@-]*(?:\/[\w~!$&'()*+,;=:@-][\w.~!$&'()*+,;=:@-]*)*\/?)?(?:\?[!-"$-~]*)?$/;

/**
 * Reads a target in origin, absolute or asterisk form (RFC 9112 §3.2); the authority form is for CONNECT.
 *
 * The path is decoded and written again in one canonical spelling (RFC 3986 §6.2.2): escapes only for characters that
 * need them, doubled slashes collapsed, an escaped slash as a slash, as in WSGI's PATH_INFO. Ambiguous paths are
 * refused: dot segments, backslashes, NUL and other controls, bytes that are not UTF-8. It is decoded once only:
 * `%2561` is the text `%61`. With `paths = refuse`, other spellings are refused that a proxy may have read as another path; with `as_sent` the
 * target stays as it is, if it can be decoded.
 */
export function canonicalTarget(
  method: string | undefined,
  target: string,
  paths: Paths = 'normalize',
): Target | Refusal {
  if (target === '*') return method === 'OPTIONS' ? { url: '*' } : NOT_OPTIONS;
  // Printable ASCII without '#': clients do not send fragments, and other characters have to be escaped.
  if (!/^[!-"$-~]+$/.test(target)) return BAD_TARGET;
  if (target.startsWith('/')) return originForm(target, paths);
  const absolute = /^https?:\/\/([^/?]+)(.*)$/i.exec(target);
  if (absolute === null) return BAD_TARGET;
  const [, authority = '', rest = ''] = absolute;
  const origin = originForm(rest.startsWith('/') ? rest : `/${rest}`, paths);
  return 'status' in origin ? origin : { url: origin.url, authority };
}

/**
 * Spellings that two readers of a path take for different ones: an empty segment, and the escape of a slash, a backslash, or a character that
 * never needs one (RFC 3986 §2.3): a letter, a digit, or one of `-._~`.
 */
const AMBIGUOUS = /\/\/|%(?:2[def]|3\d|4[1-9a-f]|5[\dacf]|6[1-9a-f]|7[\dae])/i;

function originForm(target: string, paths: Paths): Target | Refusal {
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  const query = mark < 0 ? '' : target.slice(mark);
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    return BAD_ESCAPE;
  }
  if (paths === 'as_sent') return { url: target };
  if (path.includes('\\') || /\p{Cc}/u.test(decoded)) return BAD_SEGMENT;
  if (decoded.split(/[/\\]/).some((segment) => segment === '.' || segment === '..')) return BAD_SEGMENT;
  if (paths === 'refuse' && AMBIGUOUS.test(path)) return OTHER_SPELLING;
  return { url: encodedPath(collapsed(decoded)) + query };
}

/** A name, an IPv4 address, or text in brackets; with an optional port (RFC 3986 §3.2.2). */
const VALID_HOST =
  /^(?:[A-Za-z0-9_](?:[\w.~-]{0,253}[\w~.])?|\[([^\]]*)\])(?::(?:[0-5]?\d{0,4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5]))?$/;

function isHost(host: string): boolean {
  const match = VALID_HOST.exec(host);
  return match !== null && (match[1] === undefined || isIPv6(match[1]));
}

function sameAuthority(url: string, authority: string, host: string): boolean {
  const port = /^https:/i.test(url) ? ':443' : ':80';
  const full = (text: string) => (/:\d+$/.test(text) ? text : `${text}${port}`).toLowerCase();
  return full(authority) === full(host);
}
