/** Content negotiation, RFC 9110 §12.5.1. */
import type { IncomingMessage } from 'node:http';
import Negotiator from 'negotiator';
import { exchangeOf } from '../exchange.js';
import { FIELD, readHeaders } from '../request-fields.js';

/**
 * Returns the media type among `types` that the client prefers; undefined if it accepts none of them.
 *
 * Equally preferred types are ordered as in its `Accept` header. Without the header, or if it accepts everything, the first of `types`
 * is returned.
 */
export function preferredType<T extends string>(req: IncomingMessage, types: readonly T[]): T | undefined {
  const exchange = exchangeOf(req);
  // Without a look at the headers, which Node would make.
  if ((exchange.fieldKinds & FIELD.ACCEPT) === 0) return types[0];
  const { accept } = readHeaders(exchange);
  if (accept === undefined || accept === '*/*' || accept.trim() === '') return types[0];
  // A single type, as API clients send it, needs no parser.
  if (types.includes(accept as T)) return accept as T;
  return new Negotiator(req).mediaType(types) as T | undefined;
}

/**
 * Returns the content coding among `encodings` that the client prefers, else `identity`. Equally preferred ones are ordered as in
 * `encodings`.
 */
export function preferredEncoding<T extends string>(req: IncomingMessage, encodings: readonly T[]): T | 'identity' {
  if (req.headers['accept-encoding'] === undefined) return 'identity';
  // The second argument, the server's preference, exists since 1.0 and is missing in the types.
  const negotiator = new Negotiator(req) as unknown as {
    encodings(available: readonly string[], options: { preferred: readonly string[] }): string[];
  };
  return (negotiator.encodings([...encodings, 'identity'], { preferred: encodings })[0] as T | undefined) ?? 'identity';
}
