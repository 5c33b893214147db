/** The context of a caller that a filter or a guard has found, for requests without the filter `context`. */
import type { IncomingMessage } from 'node:http';
import { environ, type Identity, RequestContext, remoteOf } from '../app/index.js';

interface Caller {
  /** Filters in JavaScript may set null for an unauthenticated caller. */
  readonly identity?: Identity | null | undefined;
  readonly authError?: unknown;
}

/** Returns what the authentication filters have found. */
export const callerOf = (req: IncomingMessage): Caller => environ(req) as Caller;

/** Returns a context with the caller's identity and no other rights; undefined without a known caller. */
export function contextOfCaller(req: IncomingMessage): RequestContext | undefined {
  const { identity, authError } = callerOf(req);
  return !identity || authError !== undefined ? undefined : contextOf(req, identity);
}

/** Returns a context with this identity and no other rights. */
export function contextOf(req: IncomingMessage, identity: Identity): RequestContext {
  const { requestId, globalRequestId } = environ(req);
  const { address: remoteAddress } = remoteOf(req);
  return new RequestContext({
    ...identity,
    isAdmin: false,
    isService: false,
    requestId,
    globalRequestId,
    remoteAddress,
  });
}
