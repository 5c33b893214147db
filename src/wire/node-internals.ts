/**
 * Properties of Node's objects that it does not document, one function for each, with the file of Node's source that it rests on. On a Node without the property each returns that it does
 * not know. The last one decides which requests are upgrades.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

/**
 * The length that a head declared, in bytes, once it is written; undefined for one without, or in chunks.
 * `lib/_http_outgoing.js`: `_storeHeader` notes it from whatever form the headers were given in.
 */
export function declaredLength(res: ServerResponse): number | undefined {
  const { _contentLength: length, _removedContLen: removed } = res as ServerResponse & {
    readonly _contentLength?: unknown;
    readonly _removedContLen?: boolean;
  };
  if (removed === true || res.chunkedEncoding) return undefined;
  // As it was given, before Node 20.20 and 22.22.
  if (typeof length === 'string') return /^\d{1,15}$/.test(length) ? Number(length) : undefined;
  return typeof length === 'number' ? length : undefined;
}

/**
 * Whether the connection ends with an answer whose head is written. `lib/_http_outgoing.js`: `_storeHeader` notes it, from
 * `Connection: close` in whatever form it was given.
 */
export function isLastAnswer(res: ServerResponse): boolean {
  return (res as ServerResponse & { readonly _last?: boolean })._last === true;
}

/**
 * Lets an answer advertise how long its connection may be idle, in milliseconds; 0: not at all. `lib/_http_outgoing.js`:
 * `_storeHeader` makes the `Keep-Alive` field of it; the documented option of a server begins a timer with each answer.
 */
export function advertiseIdleTime(res: ServerResponse, ms: number): void {
  (res as ServerResponse & { _keepAliveTimeout: number })._keepAliveTimeout = ms;
}

/**
 * Gives a request its header fields, names and values in turn. `lib/_http_common.js`: so does the parser with each head.
 */
export function fillHeaders(req: IncomingMessage, fields: string[]): void {
  (req as IncomingMessage & { _addHeaderLines(lines: string[], count: number): void })._addHeaderLines(
    fields,
    fields.length,
  );
}

/** Receiver of the heads that a connection's parser reads. */
export interface HeadReceiver {
  onIncoming(req: IncomingMessage, keepAlive: boolean): number;
}

/**
 * The receiver of a connection's request heads, to be replaced; undefined for a connection without a parser.
 * `lib/_http_server.js`: `connectionListenerInternal` sets it to `parserOnIncoming`.
 */
export function headReceiver(socket: Socket): HeadReceiver | undefined {
  const { parser } = socket as Socket & { readonly parser?: Partial<HeadReceiver> | null };
  return typeof parser?.onIncoming === 'function' ? (parser as HeadReceiver) : undefined;
}

/**
 * Calls `act` before a request's body is first read. `lib/_http_incoming.js`: every reader calls `_read`, as Node documents
 * for those who write streams, and `_read` lets the parser on.
 */
export function beforeFirstRead(req: IncomingMessage, act: () => void): void {
  req._read = function read(size: number): void {
    Reflect.deleteProperty(req, '_read');
    act();
    req._read(size);
  };
}

/**
 * Bytes given to a socket that its client has not taken. `lib/net.js`: the handle knows how much of a large write is still to
 * go, and `Socket` asks it the same for its own time-outs.
 */
export function unsentBytes(socket: Socket): number {
  const handle = (socket as Socket & { _handle?: { writeQueueSize?: number } | null })._handle;
  return socket.writableLength === 0 ? 0 : (handle?.writeQueueSize ?? socket.writableLength);
}

/** The socket that TLS is spoken over; undefined where it is not told. `lib/_tls_wrap.js`: the constructor of `TLSSocket`. */
export function socketUnder(socket: TLSSocket): Socket | undefined {
  return (socket as TLSSocket & { _parent?: Socket })._parent;
}

/**
 * Whether `createServer` takes `shouldUpgradeCallback`, by which a server says which upgrades it takes: Node 24.9 and newer.
 */
const [major, minor] = process.versions.node.split('.').map(Number) as [number, number];
export const asksBeforeUpgrade = major > 24 || (major === 24 && minor >= 9);

/**
 * The same for a connection of an older Node: a request for which `isOffered` is false stays an ordinary one, though it has
 * `Upgrade` and the server listens to `upgrade`. `lib/_http_server.js`: `parserOnIncoming` looks at `upgrade`.
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
