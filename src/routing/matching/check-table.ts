/**
 * What is said about a table when it is built: oddities, and routes that can never win.
 */

import { RouteError } from '../mapper/route-error.js';
import type { RouterParts } from '../serving/build-table.js';
import { warningsOf } from '../template/template-warnings.js';
import { findShadowed } from './shadow.js';

/** Warns, or refuses, as the router's options say. */
export function checkTable({ table, mapper, log, options, refuse }: RouterParts): void {
  for (const { route } of table.routes) {
    for (const { code, message, hint } of warningsOf(route)) {
      log.warn(`the route ${route.template}: ${message}`, { code, hint, at: place(mapper.originOf(route)) });
    }
  }
  const { onShadow = 'warn' } = options;
  if (onShadow === 'ignore') return;
  for (const { compiled, by } of findShadowed(table.planned)) {
    const origin = mapper.originOf(compiled.route);
    const others = by.map(({ route }) => `${route.template} (${place(mapper.originOf(route))})`).join(', ');
    const message = `the route ${compiled.route.template} can never win: ${others} takes all it takes, and is tried first`;
    if (onShadow === 'warn') log.warn(message, { code: CODE, at: place(origin) });
    else refuse(new RouteError(CODE, { message, origin, hint: 'Remove it, or define it earlier.' }));
  }
}

const CODE = 'PORTICO_ROUTE_SHADOWED';

function place(origin: { readonly file: string; readonly line: number } | undefined): string {
  return origin === undefined ? 'an unknown place' : `${origin.file}:${origin.line}`;
}
