/**
 * Undocumented properties of Node's objects: one function for each, with its file in Node's source. If Node.js lacks the property,
 * a function that reads it returns undefined, false or a documented value instead. `headReceiver` selects the requests
 * that are upgrades; {@link destroyLeft} and those after it keep a connection whose request is left early.
 */
import { IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

/**
 * Returns the declared length of a response, after its headers are written: a number, or, before Node 20.20 and 22.22, the form in which it was
 * given; undefined without one, or for chunked encoding. `lib/_http_outgoing.js`: `_storeHeader` sets it, in whatever form the headers were
 * given.
 */
export function declaredLength(res: ServerResponse): number | string | undefined {
  const { _contentLength: length, _removedContLen: removed } = res as ServerResponse & {
    readonly _contentLength?: number | string | null;
    readonly _removedContLen?: boolean;
  };
  return removed === true || res.chunkedEncoding ? undefined : (length ?? undefined);
}

/**
 * Reports whether the connection ends after a response whose headers are written. `lib/_http_outgoing.js`: `_storeHeader` sets it for
 * `Connection: close`, in whatever form the header was given.
 */
export function isLastAnswer(res: ServerResponse): boolean {
  return (res as ServerResponse & { readonly _last?: boolean })._last === true;
}

/**
 * Makes a response without headers have a body again, after Node has refused headers of 204 or 304. `lib/_http_server.js`: `writeHead` clears
 * the flag for these statuses before it checks the headers, and sets it for no other; the body of the next response would be missing.
 */
export function expectBody(res: ServerResponse): void {
  (res as ServerResponse & { _hasBody: boolean })._hasBody = res.req.method !== 'HEAD';
}

/**
 * Sets the idle timeout that a response announces, in milliseconds; 0: none. `lib/_http_outgoing.js`: `_storeHeader` makes the
 * `Keep-Alive` field from it. The documented option of a server would start a timer with each response.
 */
export function advertiseIdleTime(res: ServerResponse, ms: number): void {
  (res as ServerResponse & { _keepAliveTimeout: number })._keepAliveTimeout = ms;
}

/** A request, and whether it begins another protocol. */
type Parsed = IncomingMessage & { upgrade: boolean };

/** The receiver of the headers that a connection's parser reads. A result of 2 ends the message and the parser's part of this input. */
interface HeadReceiver {
  onIncoming(req: Parsed, keepAlive: boolean): number;
}

/**
 * Returns the replaceable receiver of a connection's request headers; undefined for a connection without a parser. `lib/_http_server.js`:
 * `connectionListenerInternal` sets it to `parserOnIncoming`. Node itself keeps two objects for each pipelined request, without a limit,
 * and offers each request with `Upgrade` to a server that listens for `upgrade`, also one with a body or behind others.
 */
export function headReceiver(socket: Socket): HeadReceiver | undefined {
  const { parser } = socket as Socket & { readonly parser?: Partial<HeadReceiver> | null };
  return typeof parser?.onIncoming === 'function' ? (parser as HeadReceiver) : undefined;
}

/**
 * Calls `act` before the first read of a request's body. `lib/_http_incoming.js`: every reader calls `_read`, which Node documents for
 * implementers of streams, and `_read` resumes the parser.
 */
export function beforeFirstRead(req: IncomingMessage, act: () => void): void {
  req._read = function read(size: number): void {
    Reflect.deleteProperty(req, '_read');
    act();
    req._read(size);
  };
}

/**
 * Returns the bytes written to a socket that the operating system has not taken. `lib/net.js`: the handle has the unsent size of a large
 * write, and `Socket` reads it for its own timeouts. That of TLS has the whole of a large write until its last byte is taken; the socket under it
 * counts down.
 */
export function unsentBytes(socket: Socket): number {
  if (socket.writableLength === 0) return 0;
  const { _handle: handle } = (socketUnder(socket as TLSSocket) ?? socket) as Socket & {
    _handle?: { writeQueueSize?: number } | null;
  };
  return handle?.writeQueueSize ?? socket.writableLength;
}

/** Returns the socket under TLS; undefined if it is unknown. `lib/_tls_wrap.js`: the constructor of `TLSSocket`. */
export function socketUnder(socket: TLSSocket): Socket | undefined {
  return (socket as TLSSocket & { _parent?: Socket })._parent;
}

// Requests whose reader leaves the body early: by `break` or an error in `for await`, or because the rest of a `pipeline` failed.

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
