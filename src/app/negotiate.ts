/**
 * Content negotiation, RFC 9110 §12.5.1.
 */
import type { IncomingMessage } from 'node:http';
import Negotiator from 'negotiator';

/**
 * The media type among `types` that the client likes best; undefined when it accepts none of them.
 *
 * Types it likes equally are decided by their order in its header. One that says nothing, or accepts everything, gets the
 * first of `types`.
 */
export function preferredType<T extends string>(req: IncomingMessage, types: readonly T[]): T | undefined {
  const accept = req.headers.accept;
  if (accept === undefined || accept === '*/*' || accept.trim() === '') return types[0];
  // One of them and nothing else, as API clients write it: needs no parser.
  if (types.includes(accept as T)) return accept as T;
  return new Negotiator(req).mediaType(types) as T | undefined;
}

/**
 * The content coding among `encodings` that the client likes best, `identity` if it prefers none. Those it likes equally
 * are decided by their order in `encodings`.
 */
export function preferredEncoding<T extends string>(req: IncomingMessage, encodings: readonly T[]): T | 'identity' {
  if (req.headers['accept-encoding'] === undefined) return 'identity';
  // The second argument, the server's preference, came with 1.0 and is missing in the types.
  const negotiator = new Negotiator(req) as unknown as {
    encodings(available: readonly string[], options: { preferred: readonly string[] }): string[];
  };
  return (negotiator.encodings([...encodings, 'identity'], { preferred: encodings })[0] as T | undefined) ?? 'identity';
}
