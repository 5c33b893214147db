/** Reads the tokens that a request carries. */
import type { IncomingMessage } from 'node:http';
import { Fault, type FaultDetails } from '../../app/index.js';

/** Maximum length of a token, in characters. Longer tokens are refused without validation. */
export const LONGEST_TOKEN = 8192;

/** Returns a pattern that captures the token after this scheme in `Authorization`. */
export function behindScheme(scheme: string): RegExp {
  return new RegExp(`^${scheme.replace(/[^\w-]/g, '\\$&')} +(\\S+)$`, 'i');
}

/**
 * Returns the caller's token, trimmed, or undefined. `scheme` is the result of {@link behindScheme}; without it, `Authorization` is not
 * read.
 */
export function userTokenOf(req: IncomingMessage, scheme: RegExp | undefined): string | undefined {
  const token = single(req, 'x-auth-token') ?? single(req, 'x-storage-token');
  if (token !== undefined || scheme === undefined) return token;
  return scheme.exec(req.headers.authorization?.trim() ?? '')?.[1];
}

/** Returns the token of a service that acts for the caller. */
export function serviceTokenOf(req: IncomingMessage): string | undefined {
  return single(req, 'x-service-token');
}

/** Reports whether a text can be a token: printable ASCII without blanks, and not too long. */
export function isPlausible(token: string): boolean {
  return token.length <= LONGEST_TOKEN && /^[\x21-\x7e]+$/.test(token);
}

/** Throws a `Fault` 400 for a repeated header, because another layer could read the other value. */
function single(req: IncomingMessage, name: string): string | undefined {
  const value = req.headers[name];
  if (typeof value !== 'string') return undefined;
  // Node joins repeated headers with a comma, so only such values need the count.
  if (
    value.includes(',') &&
    req.rawHeaders.filter((raw, at) => at % 2 === 0 && raw.toLowerCase() === name).length > 1
  ) {
    throw new Fault(400, { message: `The header ${name} came more than once.` });
  }
  return value.trim() || undefined;
}

// Faults of requests whose caller is unknown.

/** Returns the fault for a request without valid credentials. */
export function unauthenticated(headers?: FaultDetails['headers']): Fault {
  return new Fault(401, { message: 'The request requires authentication.', headers });
}
