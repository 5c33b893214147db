/**
 * The tokens a request came with.
 */
import type { IncomingMessage } from 'node:http';
import { Fault } from '../../app/index.js';

/** Longer ones are not worth a question. */
export const LONGEST_TOKEN = 8192;

/** Finds the token behind a scheme of `Authorization`. */
export function behindScheme(scheme: string): RegExp {
  return new RegExp(`^${scheme.replace(/[^\w-]/g, '\\$&')} +(\\S.*)$`, 'i');
}

/**
 * The caller's token, without spaces around it; undefined where there is none. `scheme`: made by {@link behindScheme};
 * undefined: `Authorization` is not looked at.
 */
export function userTokenOf(req: IncomingMessage, scheme: RegExp | undefined): string | undefined {
  const token = single(req, 'x-auth-token') ?? single(req, 'x-storage-token');
  if (token !== undefined || scheme === undefined) return token;
  return scheme.exec(req.headers.authorization?.trim() ?? '')?.[1];
}

/** The token of a service that asks on behalf of the caller. */
export function serviceTokenOf(req: IncomingMessage): string | undefined {
  return single(req, 'x-service-token');
}

/** Whether it can be a token at all: printable ASCII, and not too long. */
export function isPlausible(token: string): boolean {
  return token.length <= LONGEST_TOKEN && /^[\x20-\x7e]+$/.test(token);
}

/** Throws a `Fault` 400 for a header that came twice: a layer that reads the other one would see another caller. */
function single(req: IncomingMessage, name: string): string | undefined {
  const value = req.headers[name];
  if (typeof value !== 'string') return undefined;
  // Node joins what came twice with a comma; only then it is worth counting.
  if (
    value.includes(',') &&
    req.rawHeaders.filter((raw, at) => at % 2 === 0 && raw.toLowerCase() === name).length > 1
  ) {
    throw new Fault(400, { message: `The header ${name} came more than once.` });
  }
  return value.trim() || undefined;
}
