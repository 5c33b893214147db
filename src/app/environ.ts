/**
 * What a request has gathered on its way through the pipeline: WSGI's environ, typed.
 */
import type { IncomingMessage } from 'node:http';

/**
 * The request's environ. Applications and filters declare fields of their own by declaration merging
 * (`declare module 'portico/app' { interface Environ { … } }`).
 */
export interface Environ {
  /** The request target as it was received. */
  readonly originalUrl: string;
  /** The part of the path that URL maps and mounts have consumed: `''` or `/v2.1`; never ends in `/`. */
  scriptName: string;
  /** Path variables of the matched route; set by a Router. */
  params: Readonly<Record<string, string>>;
  /** This request's own id, `req-` and a UUID; set by the request_id filter. */
  requestId?: string;
}

const ENVIRON: unique symbol = Symbol('portico.environ');
const NO_PARAMS: Readonly<Record<string, string>> = Object.freeze(Object.create(null) as Record<string, string>);

/** The environ of a request: one per request, made on first use. */
export function environ(req: IncomingMessage): Environ {
  const carrier = req as IncomingMessage & { [ENVIRON]?: Environ };
  carrier[ENVIRON] ??= { originalUrl: req.url ?? '/', scriptName: '', params: NO_PARAMS };
  return carrier[ENVIRON];
}
