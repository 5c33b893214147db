/**
 * The answer of a redirect route.
 */
import type { ServerResponse } from 'node:http';
import { Fault } from '../../app/index.js';
import type { Mapper, Redirect } from '../mapper/mapper.js';
import { GenerationError } from '../mapper/route-error.js';
import type { Found } from '../matching/compiled-route.js';
import type { UrlSurroundings } from '../urls/url-builder.js';

/** Redirects to what the match makes of the target. Throws a `Fault` 500 when it lacks a variable of the target. */
export function answerRedirect(
  res: ServerResponse,
  mapper: Mapper,
  redirect: Redirect,
  found: Found,
  around: UrlSurroundings,
): void {
  res.setHeader('Location', safeLocation(locationOf(mapper, redirect, found, around)));
  res.setHeader('Content-Type', 'text/plain; charset=utf8');
  res.setHeader('Content-Length', 0);
  res.statusCode = redirect.status;
  res.end();
}

function locationOf(mapper: Mapper, redirect: Redirect, found: Found, around: UrlSurroundings): string {
  try {
    return mapper.redirectLocation(redirect, found.match, around);
  } catch (cause) {
    if (!(cause instanceof GenerationError)) throw cause;
    throw new Fault(500, { safe: false, message: `redirect: ${cause.message}`, cause });
  }
}

/** Control characters would end the header, or the line of a log. */
function safeLocation(location: string): string {
  return location.replace(/[\p{Cc} ]/gu, (character) => encodeURIComponent(character));
}
