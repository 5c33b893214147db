/**
 * Connections on which something came that is no request: broken bytes, nothing in time, CONNECT. The answers under way
 * are sent first, then one refusal, then the connection is closed; nothing after the breakage is read as a request.
 */
import type { Socket } from 'node:net';
import { type Connection, connectionOf } from './connections.js';
import { closeLingering } from './lingering-close.js';
import { type Refusal, type Rejections, refusal, refusalBytes } from './refusal.js';

/** For whatever does not arrive in time. */
export const TOO_SLOW = refusal(408, 'request too slow', 'The request did not arrive in time.');
const MALFORMED = refusal(400, 'malformed', 'The request is malformed.');
const NO_CONNECT = refusal(400, 'connect', 'CONNECT is not offered here.');
/** For heads, trailers and chunk extensions beyond their limits. */
export const TOO_LARGE = refusal(431, 'headers too large', 'The header fields are too large.');

/** Errors of Node's parser and its timer, each with its answer; all other codes of the parser are 400. */
const BY_CODE: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: TOO_LARGE,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: TOO_LARGE,
  ERR_HTTP_REQUEST_TIMEOUT: TOO_SLOW,
};

/** Ends broken connections of one server. */
export class BrokenConnections {
  readonly #rejections: Rejections;

  constructor(rejections: Rejections) {
    this.#rejections = rejections;
  }

  /** The server's `clientError` event, which comes without a response object. */
  clientError(error: Error & { code?: string }, socket: Socket): void {
    const connection = connectionOf(socket);
    const code = error.code ?? '';
    const fromParser = code.startsWith('HPE_') || code === 'ERR_HTTP_REQUEST_TIMEOUT';
    if (connection === undefined) this.#rejections.note('tls handshake failed', socket, code);
    if (connection === undefined || !fromParser || socket.destroyed) {
      socket.destroy();
      return;
    }
    if (code === 'HPE_CLOSED_CONNECTION') {
      // Bytes after a request that said it was the last one: they are no request, and spoil no answer.
      connection.ended ||= !connection.waits;
      connection.lingers = true;
    }
    connection.cause ??= error;
    if (socket.readableEnded && connection.waitedFor) {
      // Nothing more comes and something is missing. As after whole requests, the client has left those at work.
      socket.destroy(error);
      return;
    }
    if (connection.ended || connection.discards) {
      if (connection.idle) closeLingering(connection);
      else connection.discard();
      return;
    }
    const refused = BY_CODE[code] ?? MALFORMED;
    this.#rejections.note(code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW' ? 'chunk extensions' : refused.why, socket, code);
    // A connection on which nothing was ever sent is closed without a word.
    if (code === 'ERR_HTTP_REQUEST_TIMEOUT' && socket.bytesRead === 0) socket.destroy();
    else this.refuse(connection, refused);
  }

  /** The server's `connect` event. */
  connect(socket: Socket): void {
    // Node has taken its own listeners off the socket.
    socket.on('error', () => socket.destroy());
    this.#rejections.note('connect', socket);
    const connection = connectionOf(socket);
    if (connection === undefined) socket.destroy();
    else this.refuse(connection, NO_CONNECT);
  }

  /** Ends a connection with a refusal, after the answers under way; instead of the last one if its body is broken. */
  refuse(connection: Connection, refused: Refusal): void {
    connection.lingers = true;
    connection.refusal = refused;
    connection.forgetIncomplete();
    if (connection.waits) {
      connection.discard();
      return;
    }
    connection.ended = true;
    const [first] = connection.exchanges;
    const broken = connection.exchanges.length === 1 && first?.req.complete === false;
    if (broken && first.res.headersSent) connection.socket.destroy();
    else if (first === undefined || broken) sendBytes(connection);
    else connection.discard();
  }

  /** To be called when an answer of a connection that is to be refused is out. */
  answerEnded(connection: Connection): void {
    if (connection.waits && !connection.ended) connection.goOn();
    else if (connection.refusal !== undefined) this.refuse(connection, connection.refusal);
  }
}

function sendBytes(connection: Connection): void {
  const { socket, refusal: refused } = connection;
  if (socket.writable && refused !== undefined) socket.write(refusalBytes(refused));
  closeLingering(connection);
}
