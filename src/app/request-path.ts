/**
 * Path and method that a Router matches a request by, read in one way by all that judge by them. A query field or
 * form field `_method` may override the method.
 */
import type { IncomingMessage } from 'node:http';
import { environ } from './exchange.js';
import { collapsed, decodePath, encodedPath } from './target.js';

/**
 * The whole path of a request as its application gets it, without query: what mounts have consumed and what is left,
 * percent-decoded once, as one text for all spellings of it. Compare it with {@link writtenPath}. A prefix that a proxy says it has
 * taken off the path (`environ(req).forwardedPrefix`) is no part of it: the client chooses that where the proxy does not.
 */
export function requestPath(req: IncomingMessage): string {
  const path = pathOnly(mountPath(req) + (req.url ?? '/'));
  return collapsed(decodePath(path));
}

/** {@link requestPath} in its canonical spelling, with the query as it came: `req.url` as it was before any mount. */
export function wholeTarget(req: IncomingMessage): string {
  const target = mountPath(req) + (req.url ?? '/');
  const path = pathOnly(target);
  if (!path.includes('%') && !path.includes('//')) return target;
  return encodedPath(requestPath(req)) + target.slice(path.length);
}

/** A path that an operator or a caller wrote, with percent-encoding or without, in the form of {@link requestPath}. */
export function writtenPath(text: string): string {
  return collapsed(text.includes('%') ? decodePath(encodeURI(text).replaceAll('%25', '%')) : text);
}

/** Path that URL maps and mounts have taken off the target, without the part that a proxy took before. */
function mountPath(req: IncomingMessage): string {
  const { scriptName, forwardedPrefix = '' } = environ(req);
  return scriptName.startsWith(forwardedPrefix) ? scriptName.slice(forwardedPrefix.length) : scriptName;
}

function pathOnly(target: string): string {
  const query = target.indexOf('?');
  return query < 0 ? target : target.slice(0, query);
}

/** The part of a request that is searched for an override. */
export interface OverrideSource {
  readonly method: string;
  /** Without the question mark. */
  readonly query: string;
  readonly contentType?: string | undefined;
  /** The body, where it was read. */
  readonly form?: string | undefined;
}

/**
 * The method to match with: `_method` of the query, whatever the method; else that of a form sent with POST. The form
 * is not looked at when the query has the text `_method` anywhere. Empty values are ignored. As in WebOb, which Routes
 * reads it with, `;` separates fields of a query too, and a query that is not UTF-8 has none.
 */
export function overriddenMethod({ method, query, contentType = '', form = '' }: OverrideSource): string {
  if (query.includes('_method')) return (isUtf8(query) && lastField(query.replaceAll(';', '&'))) || method;
  const isForm = contentType.split(';', 1)[0] === 'application/x-www-form-urlencoded';
  return (method === 'POST' && isForm && lastField(form)) || method;
}

/** A percent sign without two digits behind it is a character as others. */
function isUtf8(encoded: string): boolean {
  try {
    decodeURIComponent(encoded.replace(/%(?![\da-f]{2})/gi, '%25'));
    return true;
  } catch {
    return false;
  }
}

function lastField(encoded: string): string {
  return (new URLSearchParams(encoded).getAll('_method').at(-1) ?? '').toUpperCase();
}

/**
 * The methods a request may be served by: its own, and that of a `_method` in its query, for a Router further in may match
 * with it. To let only some methods pass, or to count some, look at all of them.
 */
export function methodsOf(req: IncomingMessage): readonly string[] {
  const { method = 'GET', url = '' } = req;
  const query = url.indexOf('?');
  const other = query < 0 ? method : overriddenMethod({ method, query: url.slice(query + 1) });
  return other === method ? [method] : [method, other];
}
