/**
 * Content negotiation, RFC 9110 §12.5.1.
 */
import type { IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import type Negotiator from 'negotiator';
import { lazyPackage } from '../process/index.js';

/** The first request that needs it loads it: a process starts 4 ms sooner without. */
const loaded = lazyPackage(() => createRequire(import.meta.url)('negotiator') as typeof Negotiator);

/** Loads now what negotiates, for a time when no file can be opened any more. */
export function loadNegotiator(): void {
  loaded();
}

/**
 * The media type among `types` that the client likes best; undefined when it accepts none of them.
 *
 * Types it likes equally are decided by their order in `types`, so the first is what a client gets that says nothing
 * or accepts everything.
 */
export function preferredType<T extends string>(req: IncomingMessage, types: readonly T[]): T | undefined {
  const accept = req.headers.accept;
  if (accept === undefined || accept === '*/*' || accept.trim() === '') return types[0];
  // One of them and nothing else, as API clients write it: needs no parser.
  if (types.includes(accept as T)) return accept as T;
  const Parser = loaded();
  return Parser === undefined ? firstAccepted(accept, types) : (new Parser(req).mediaType(types) as T | undefined);
}

/**
 * The content coding among `encodings` that the client likes best, `identity` if it prefers none. Those it likes equally
 * are decided by their order in `encodings`. `identity` also where the package that knows could not be loaded.
 */
export function preferredEncoding<T extends string>(req: IncomingMessage, encodings: readonly T[]): T | 'identity' {
  if (req.headers['accept-encoding'] === undefined) return 'identity';
  const Parser = loaded();
  if (Parser === undefined) return 'identity';
  // The second argument, the server's preference, came with 1.0 and is missing in the types.
  const negotiator = new Parser(req) as unknown as {
    encodings(available: readonly string[], options: { preferred: readonly string[] }): string[];
  };
  return (negotiator.encodings([...encodings, 'identity'], { preferred: encodings })[0] as T | undefined) ?? 'identity';
}

/** Without the package: the first of `types` that any range of the field has, whatever the client likes better. */
function firstAccepted<T extends string>(accept: string, types: readonly T[]): T | undefined {
  const ranges = accept
    .toLowerCase()
    .split(',')
    .filter((range) => !/;\s*q=0(\.0*)?\s*(;|$)/.test(range))
    .map((range) => range.split(';', 1)[0]!.trim());
  return types.find((type) => [type, type.replace(/\/.*/, '/*'), '*/*'].some((range) => ranges.includes(range)));
}
