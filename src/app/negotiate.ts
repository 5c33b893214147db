/**
 * Content negotiation, RFC 9110 §12.5.1.
 */
import type { IncomingMessage } from 'node:http';
import Negotiator from 'negotiator';

/**
 * The media type among `types` that the client likes best; undefined when it accepts none of them.
 *
 * Types it likes equally are decided by their order in `types`, so the first is what a client gets that says nothing
 * or accepts everything.
 */
export function preferredType<T extends string>(req: IncomingMessage, types: readonly T[]): T | undefined {
  const accept = req.headers.accept;
  if (accept === undefined || accept === '*/*' || accept.trim() === '') return types[0];
  return new Negotiator(req).mediaType(types) as T | undefined;
}
