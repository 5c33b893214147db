/**
 * The scheme a proxy says a request came with: nova's `secure_proxy_ssl_header`.
 */
import type { IncomingMessage } from 'node:http';
import { environ } from '../../app/index.js';
import { connectionRemote } from '../../app/internal.js';

/** The field of a request that an operator's name means: `X-Forwarded-Proto`, or `HTTP_X_FORWARDED_PROTO` as WSGI has it. */
export function schemeField(name: string | undefined): string | undefined {
  if (name === undefined || name.trim() === '') return undefined;
  return name
    .trim()
    .toLowerCase()
    .replace(/^http_/, '')
    .replaceAll('_', '-');
}

/** Takes the scheme from that field, of any sender; values other than `http` and `https` are ignored. */
export function takeScheme(req: IncomingMessage, field: string): void {
  const said = req.headers[field];
  const scheme = typeof said === 'string' ? said.trim().toLowerCase() : undefined;
  if (scheme === 'http' || scheme === 'https') environ(req).remote = { ...connectionRemote(req), scheme };
}
