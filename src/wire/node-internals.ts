/**
 * Undocumented properties of Node's objects: one function for each, with its file in Node's source. If Node.js lacks the property,
 * a function that reads it returns undefined, false or a documented value instead. The last one selects the requests that are upgrades.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

/**
 * Returns the declared length of a response in bytes, after its head is written; undefined without one, or for chunked encoding.
 * `lib/_http_outgoing.js`: `_storeHeader` sets it, in whatever form the headers were given.
 */
export function declaredLength(res: ServerResponse): number | undefined {
  const { _contentLength: length, _removedContLen: removed } = res as ServerResponse & {
    readonly _contentLength?: unknown;
    readonly _removedContLen?: boolean;
  };
  if (removed === true || res.chunkedEncoding) return undefined;
  // Before Node 20.20 and 22.22, the length is in the form in which it was given.
  if (typeof length === 'string') return /^\d{1,15}$/.test(length) ? Number(length) : undefined;
  return typeof length === 'number' ? length : undefined;
}

/**
 * Reports whether the connection ends after a response whose head is written. `lib/_http_outgoing.js`: `_storeHeader` sets it for
 * `Connection: close`, in whatever form the header was given.
 */
export function isLastAnswer(res: ServerResponse): boolean {
  return (res as ServerResponse & { readonly _last?: boolean })._last === true;
}

/**
 * Makes a response without a head have a body again, after Node has refused a head of 204 or 304. `lib/_http_server.js`: `writeHead` clears
 * the flag for these statuses before it checks the headers, and sets it for no other; the body of the next head would be missing.
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

/** The receiver of the heads that a connection's parser reads. */
interface HeadReceiver {
  onIncoming(req: IncomingMessage, keepAlive: boolean): number;
}

/**
 * Returns the replaceable receiver of a connection's request heads; undefined for a connection without a parser. `lib/_http_server.js`:
 * `connectionListenerInternal` sets it to `parserOnIncoming`.
 */
function headReceiver(socket: Socket): HeadReceiver | undefined {
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
 * write, and `Socket` reads it for its own timeouts.
 */
export function unsentBytes(socket: Socket): number {
  const handle = (socket as Socket & { _handle?: { writeQueueSize?: number } | null })._handle;
  return socket.writableLength === 0 ? 0 : (handle?.writeQueueSize ?? socket.writableLength);
}

/** Returns the socket under TLS; undefined if it is unknown. `lib/_tls_wrap.js`: the constructor of `TLSSocket`. */
export function socketUnder(socket: TLSSocket): Socket | undefined {
  return (socket as TLSSocket & { _parent?: Socket })._parent;
}

/** True if `createServer` has `shouldUpgradeCallback`, which selects the accepted upgrades: Node 24.9 and newer. */
const [major, minor] = process.versions.node.split('.').map(Number) as [number, number];
export const asksBeforeUpgrade = major > 24 || (major === 24 && minor >= 9);

/**
 * Selects the accepted upgrades of a connection on an older Node: a request for which `isOffered` is false is handled as an ordinary
 * one, although it has `Upgrade` and the server listens for `upgrade`. `lib/_http_server.js`: `parserOnIncoming` reads `upgrade`.
 */
export function chooseUpgrades(socket: Socket, isOffered: (req: IncomingMessage) => boolean): void {
  const receiver = headReceiver(socket);
  if (receiver === undefined) return;
  const { onIncoming } = receiver;
  receiver.onIncoming = (req, keepAlive) => {
    const parsed = req as IncomingMessage & { upgrade: boolean };
    if (parsed.upgrade && req.method !== 'CONNECT' && !isOffered(req)) parsed.upgrade = false;
    return onIncoming(req, keepAlive);
  };
}
