/**
 * The request target, decided once before the first filter, so that filters and routers see the same path whichever way
 * a client spells it.
 *
 * The path is decoded and written again in one canonical spelling (RFC 3986 §6.2.2): escapes only where a character
 * cannot stand for itself, doubled slashes collapsed, an escaped slash a slash, as WSGI's PATH_INFO has it. Paths that
 * could be read in two ways are refused: dot segments, backslashes, NUL and other controls, bytes that are not UTF-8.
 * It is decoded once only: `%2561` is the text `%61`.
 */
import { collapsed, encodedPath } from '../../app/internal.js';
import { type Refusal, refusal } from './refusal.js';

/** What a target turned out to be: its canonical form, and for the absolute form the authority it named. */
export interface Target {
  readonly url: string;
  readonly authority?: string;
}

const TARGET = refusal(400, 'The request target is not valid.');
const ESCAPE = refusal(400, 'The path has an invalid percent-encoding.');
const SEGMENT = refusal(400, 'The path has a dot segment, a backslash or a control character.');
const METHOD = refusal(400, 'The request target * is for OPTIONS only.');

/** Path and query as nearly all clients write them: nothing to decode, no empty segment, none that begins with a dot. */
const CANONICAL =
  /^\/(?:[\w~!$&'()*+,;=:@-][\w.~!$&'()*+,;=:@-]*(?:\/[\w~!$&'()*+,;=:@-][\w.~!$&'()*+,;=:@-]*)*\/?)?(?:\?[!-"$-~]*)?$/;

/** True for a target that is its own canonical form: the quick way past {@link canonicalTarget}. */
export function isCanonical(url: string): boolean {
  return CANONICAL.test(url);
}

/** Reads a target in origin, absolute or asterisk form (RFC 9112 §3.2); the authority form is for CONNECT. */
export function canonicalTarget(method: string | undefined, target: string): Target | Refusal {
  if (target === '*') return method === 'OPTIONS' ? { url: '*' } : METHOD;
  // Printable ASCII without '#': clients do not send fragments, and anything else has to be escaped.
  if (!/^[!-"$-~]+$/.test(target)) return TARGET;
  if (target.startsWith('/')) return originForm(target);
  const absolute = /^https?:\/\/([^/?]+)(.*)$/i.exec(target);
  if (absolute === null) return TARGET;
  const [, authority = '', rest = ''] = absolute;
  const origin = originForm(rest.startsWith('/') ? rest : `/${rest}`);
  return 'status' in origin ? origin : { url: origin.url, authority };
}

function originForm(target: string): Target | Refusal {
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  const query = mark < 0 ? '' : target.slice(mark);
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    return ESCAPE;
  }
  if (path.includes('\\') || /\p{Cc}/u.test(decoded)) return SEGMENT;
  if (decoded.split(/[/\\]/).some((segment) => segment === '.' || segment === '..')) return SEGMENT;
  return { url: encodedPath(collapsed(decoded)) + query };
}
