/** Requests that a page of another site has sent, which carry the cookies of this one (CSRF). */
import type { IncomingMessage } from 'node:http';
import { Fault } from './fault.js';
import { remoteOf } from './remote.js';
import { methodsOf } from './request-path.js';

/** Safe methods (RFC 9110 §9.2.1). */
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/**
 * Throws a 403 for a request of a page of another site that can change something, or opens a WebSocket. `trusted`: origins that may send them.
 */
export function checkSite(req: IncomingMessage, trusted: ReadonlySet<string>): void {
  if (isCrossSite(req, trusted)) throw new Fault(403, { message: 'The request comes from another site.' });
}

/**
 * Reports whether a browser says that another site has sent a request that can change something, or opens a WebSocket. Other clients send
 * neither `Sec-Fetch-Site` nor `Origin`.
 */
function isCrossSite(req: IncomingMessage, trusted: ReadonlySet<string>): boolean {
  const { origin, upgrade, 'sec-fetch-site': site } = req.headers;
  if (upgrade === undefined && methodsOf(req).every((method) => SAFE.has(method))) return false;
  if (origin !== undefined && trusted.has(origin)) return false;
  if (typeof site === 'string') return site !== 'same-origin' && site !== 'none';
  // Without the scheme: a proxy that ends TLS may not tell it.
  return origin !== undefined && hostOf(origin) !== remoteOf(req).host?.toLowerCase();
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
