/**
 * The path and method by which a Router matches a request; filters that decide by path or method read them here too. A query or form
 * field `_method` may override the method.
 */
import type { IncomingMessage } from 'node:http';
import { collapsed, decodePath, encodedPath, environ, exchangeOf } from './exchange.js';

/** Longest URL of a request, in characters: the default of `[wsgi] max_url_length`, and the limit where another server accepts it. */
export const LONGEST_URL = 8192;

/**
 * Returns the whole path of a request as the application sees it, without query: the part consumed by mounts and the rest,
 * percent-decoded once, the same text for all spellings; with `paths = as_sent` each run of slashes and each dot segment stays. A prefix that a proxy says it has stripped (`environ(req).forwardedPrefix`) is not
 * included: if the proxy does not set it, the client can.
 */
export function requestPath(req: IncomingMessage): string {
  const path = pathOnly(mountPath(req) + restOf(req));
  const text = decodePath(path);
  return isAsSent(req) ? text : collapsed(text);
}

const isAsSent = (req: IncomingMessage): boolean => exchangeOf(req).serverState?.pathsAsSent === true;

/** Returns {@link requestPath} in the spelling of `req.url`, with the query as received: `req.url` as it was before any mount. */
export function wholeTarget(req: IncomingMessage): string {
  const target = mountPath(req) + restOf(req);
  const path = pathOnly(target);
  if ((!path.includes('%') && !path.includes('//')) || isAsSent(req)) return target;
  return encodedPath(requestPath(req)) + target.slice(path.length);
}

/** Returns `req.url`; without the slash that a mount has added to an empty path. */
function restOf(req: IncomingMessage): string {
  const { url = '/' } = req;
  const { targetUrl, targetPath } = exchangeOf(req);
  return url === targetUrl && targetPath === '' ? url.slice(1) : url;
}

/** Makes `req.url` start with a slash, for frameworks that require one. */
export function rootedUrl(req: IncomingMessage): void {
  if (req.url !== undefined && !req.url.startsWith('/')) req.url = `/${req.url}`;
}

/** Converts a path written by an operator or a caller, with or without percent-encoding, to the form of {@link requestPath}. */
export function writtenPath(text: string): string {
  return collapsed(text.includes('%') ? decodePath(encodeURI(text).replaceAll('%25', '%')) : text);
}

/** The path that URL maps and mounts have consumed, without the part that a proxy has stripped. */
function mountPath(req: IncomingMessage): string {
  const { scriptName, forwardedPrefix = '' } = environ(req);
  return scriptName.startsWith(forwardedPrefix) ? scriptName.slice(forwardedPrefix.length) : scriptName;
}

function pathOnly(target: string): string {
  const query = target.indexOf('?');
  return query < 0 ? target : target.slice(0, query);
}

/** The parts of a request that may override its method. */
export interface OverrideSource {
  readonly method: string;
  /** Without the question mark. */
  readonly query: string;
  readonly contentType?: string | undefined;
  /** The body, if it was read. */
  readonly form?: string | undefined;
}

/**
 * Returns the method to match: `_method` of the query, whatever the method; else `_method` of a form sent with POST. The form is ignored
 * if the query contains the text `_method` anywhere. Empty values are ignored. As in WebOb, which Routes uses, `;` also separates query
 * fields, and a query that is not UTF-8 has no fields.
 */
export function overriddenMethod({ method, query, contentType = '', form = '' }: OverrideSource): string {
  if (query.includes('_method')) return (isUtf8(query) && lastField(query.replaceAll(';', '&'))) || method;
  const isForm = contentType.split(';', 1)[0] === 'application/x-www-form-urlencoded';
  return (method === 'POST' && isForm && lastField(form)) || method;
}

/** A percent sign without two hex digits after it counts as a plain character. */
function isUtf8(encoded: string): boolean {
  try {
    decodeURIComponent(encoded.replace(/%(?![\da-f]{2})/gi, '%25'));
    return true;
  } catch {
    return false;
  }
}

/** With an ampersand first, because URLSearchParams drops a question mark there, which is part of a name. */
function lastField(encoded: string): string {
  return (new URLSearchParams(`&${encoded}`).getAll('_method').at(-1) ?? '').toUpperCase();
}

/**
 * Returns the methods by which a request may be served: its own, and the `_method` of its query, because an inner Router may match by
 * it. To allow or count only some methods, check all of them.
 */
export function methodsOf(req: IncomingMessage): readonly string[] {
  const { method = 'GET', url = '' } = req;
  const query = url.indexOf('?');
  const other = query < 0 ? method : overriddenMethod({ method, query: url.slice(query + 1) });
  return other === method ? [method] : [method, other];
}
