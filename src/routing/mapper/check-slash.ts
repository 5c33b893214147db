/**
 * Paths that no request has.
 */
import type { Route } from './route.js';
import { RouteError } from './route-error.js';

/** Throws for a path that begins with a text other than a slash: no request has such a path. */
export function checkSlash({ parts: [first], minimize, isStatic, template }: Route): void {
  if (minimize || isStatic || typeof first !== 'string' || first.startsWith('/') || first === '*') return;
  throw new RouteError('PORTICO_ROUTE_NO_SLASH', {
    message: 'it can never match: the path of a request begins with a slash',
    hint: `Write "/${template}"; where "${template}" is to be its name, the path comes behind it: connect("${template}", "/…").`,
  });
}
