/**
 * A router's responses without an action: redirects, and the methods of a path in `Allow`, for OPTIONS and 405 (RFC 9110 §9.3.7, §15.5.6).
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Fault, quoteClient } from '../../app/index.js';
import { missed } from '../../app/internal.js';
import type { Mapper, Redirect } from '../mapper/mapper.js';
import type { Found } from '../matching/compiled-route.js';
import type { RouteTable } from '../matching/route-table.js';
import type { MatchRequest } from '../route/conditions.js';
import { GenerationError } from '../route/route-error.js';
import type { UrlContext } from '../urls/url-builder.js';

/** Returns the methods of a path, sorted: those of its routes, HEAD with GET, and OPTIONS if the router answers it. Empty without a route. */
export function allowedMethods(
  table: RouteTable,
  path: string,
  request: MatchRequest | null,
  answersOptions: boolean,
): string[] {
  const any = path === '*';
  // One lookup for all methods, if nothing else decides: most misses are misses for each of them.
  if (!any && request === null && table.find(null, path, null) === null) return [];
  const methods = new Set<string>();
  for (const method of table.methods) {
    const takes = any
      ? table.routes.some(({ route }) => route.conditions?.method?.includes(method) ?? true)
      : table.find(method, path, request === null ? null : { ...request, method }) !== null;
    if (takes) methods.add(method);
  }
  if (methods.size === 0) return [];
  if (methods.has('GET')) methods.add('HEAD');
  if (answersOptions) methods.add('OPTIONS');
  return [...methods].sort();
}

/** Returns the fault 405 of a path that has other methods. */
export function wrongMethod({ method = '' }: IncomingMessage, allowed: readonly string[]): Fault {
  return missed(405, {
    message: `The method ${quoteClient(method)} is not allowed here.`,
    kind: 'method',
    data: { allowed },
    headers: { Allow: allowed.join(', ') },
  });
}

/** 204 with `Allow`. */
export function answerOptions(res: ServerResponse, allowed: readonly string[]): undefined {
  res.statusCode = 204;
  res.setHeader('Allow', allowed.join(', '));
  res.end();
}

/** Redirects to the target filled with the match. Throws a `Fault` 500 if it lacks a variable of the target. */
export function answerRedirect(
  res: ServerResponse,
  mapper: Mapper,
  redirect: Redirect,
  found: Found,
  context: UrlContext,
): void {
  res.setHeader('Location', safeLocation(locationOf(mapper, redirect, found, context)));
  res.setHeader('Content-Type', 'text/plain; charset=utf8');
  res.setHeader('Content-Length', 0);
  res.statusCode = redirect.status;
  res.end();
}

function locationOf(mapper: Mapper, redirect: Redirect, found: Found, context: UrlContext): string {
  try {
    return mapper.redirectLocation(redirect, found.match, context);
  } catch (cause) {
    if (!(cause instanceof GenerationError)) throw cause;
    throw new Fault(500, { safe: false, message: `redirect: ${cause.message}`, cause });
  }
}

/** Escapes control characters, which would end the header, or the log line. */
function safeLocation(location: string): string {
  return location.replace(/[\p{Cc} ]/gu, (character) => encodeURIComponent(character));
}
