/** Requests whose reader leaves the body early: by `break` or an error in `for await`, or because the rest of a `pipeline` failed. */
import { IncomingMessage } from 'node:http';

type Destroy = IncomingMessage['_destroy'];

/**
 * Returns a method for {@link destroyBy} that calls `left` with such a request. `lib/internal/streams/destroy.js`: `destroyer` sets its
 * `socket` to null before it destroys it, so that the connection stays open for the response. Everything else that reads `req.socket`
 * would then fail.
 */
export function destroyLeft(left: (req: IncomingMessage) => void): Destroy {
  return function destroy(this: IncomingMessage, error, done) {
    const isLeft = (this.socket as unknown) === null;
    IncomingMessage.prototype._destroy.call(this, error, done);
    if (isLeft) left(this);
  };
}

/** Makes a method destroy a request. Use one for all requests: see `countBody`. */
export function destroyBy(req: IncomingMessage, destroy: Destroy): void {
  req._destroy = destroy;
}

/**
 * Makes the body of a request fail for its reader: no more of it arrives. Its connection stays open. Only for a request that is
 * destroyed by {@link destroyLeft}.
 */
export function failBody(req: IncomingMessage): void {
  if (req.complete || req.destroyed) return;
  (req as { socket: unknown }).socket = null;
  req.destroy(Object.assign(new Error('the request has ended before its body had come'), { code: 'ECONNRESET' }));
}
