/**
 * Connections with input that is not a request: malformed bytes (400), headers or bodies that come too slowly (408), headers that are too
 * large (431), CONNECT. Responses in progress are sent first, then one refusal, then the connection is closed; later input is not read as a
 * request.
 */
import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { environ } from '../../app/index.js';
import { readableRequest, requestLike } from './broken-request.js';
import { type Connection, connectionOf } from './connections.js';
import { closeLingering } from './lingering-close.js';
import { type Refusal, type Rejections, refusal } from './refusal.js';

/** Input that does not arrive in time. */
export const TOO_SLOW = refusal(408, 'request too slow', 'The request did not arrive in time.');
const MALFORMED = refusal(400, 'malformed', 'The request is malformed.');
const NO_CONNECT = refusal(400, 'connect', 'CONNECT is not supported.');
/** Heads, trailers and chunk extensions beyond their limits. */
export const TOO_LARGE = refusal(431, 'headers too large', 'The headers are too large.');

/** Refusals by the error codes of Node's parser and its timer; all other codes of the parser are 400. */
const BY_CODE: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: TOO_LARGE,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: TOO_LARGE,
  ERR_HTTP_REQUEST_TIMEOUT: TOO_SLOW,
};

/** Answers a request with a refusal. */
export type Refuse = (req: IncomingMessage, res: ServerResponse, refused: Refusal) => void;

/** Closes broken connections of one server. */
export class BrokenConnections {
  readonly #rejections: Rejections;
  readonly #answer: Refuse;

  constructor(rejections: Rejections, answer: Refuse) {
    this.#rejections = rejections;
    this.#answer = answer;
  }

  /** Handles the server's `clientError` event, which has no response object. */
  clientError(error: Error & { code?: string; rawPacket?: Buffer }, socket: Socket): void {
    const connection = connectionOf(socket);
    const code = error.code ?? '';
    const fromParser = code.startsWith('HPE_') || code === 'ERR_HTTP_REQUEST_TIMEOUT';
    if (connection === undefined) this.#rejections.note('tls handshake failed', socket, code);
    if (connection === undefined || !fromParser || socket.destroyed) {
      socket.destroy();
      return;
    }
    if (code === 'HPE_CLOSED_CONNECTION') {
      // Bytes after a request with `Connection: close` are not a request, and do not affect its response.
      connection.ended ||= connection.waiting === undefined;
      connection.lingers = true;
    }
    // The client is not slow while it is not read, or only until a request may begin.
    const isHeldUp = connection.readingStopped || connection.waiting !== undefined;
    if (code === 'ERR_HTTP_REQUEST_TIMEOUT' && isHeldUp) return;
    connection.cause ??= error;
    if (socket.readableEnded && connection.waitedFor) {
      // The input has ended early. As after whole requests, the client has abandoned the requests in progress.
      socket.destroy(error);
      return;
    }
    if (connection.ended || connection.discards) {
      if (connection.idle) closeLingering(connection);
      else connection.discard();
      return;
    }
    const refused = BY_CODE[code] ?? MALFORMED;
    // A connection without any input is closed without a response.
    const isSilent = code === 'ERR_HTTP_REQUEST_TIMEOUT' && socket.bytesRead === 0;
    if (isSilent) {
      this.#rejections.countClosed('no request');
      socket.destroy();
      return;
    }
    const req = this.refuse(connection, refused, readableRequest(connection, error.rawPacket));
    const why = code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW' ? 'chunk extensions' : refused.why;
    this.#rejections.note(why, socket, code, req && environ(req).requestId);
  }

  /** Handles the server's `connect` event. */
  connect(req: IncomingMessage, socket: Socket): void {
    // Node has removed its own listeners from the socket.
    socket.on('error', () => socket.destroy());
    const connection = connectionOf(socket);
    if (connection === undefined) socket.destroy();
    else this.refuse(connection, NO_CONNECT, req);
    this.#rejections.note('connect', socket, undefined, environ(req).requestId);
  }

  /**
   * Closes a connection with a refusal, after the responses in progress; in place of the last one if its body is
   * broken. `broken`: the refused request. Returns the request that gets the refusal, if known.
   */
  refuse(connection: Connection, refused: Refusal, broken?: IncomingMessage): IncomingMessage | undefined {
    if (connection.refusing) return undefined;
    connection.lingers = true;
    connection.refusal = refused;
    connection.forgetIncomplete();
    if (connection.waiting !== undefined) {
      connection.discard();
      return undefined;
    }
    connection.ended = true;
    const first = connection.exchange;
    if (first?.req.complete === false && first.res.headersSent) connection.socket.destroy();
    else if (first?.req.complete === false) return this.#send(connection, refused, requestLike(first.req));
    else if (first === undefined) return this.#send(connection, refused, broken ?? readableRequest(connection));
    else connection.discard();
    return undefined;
  }

  /** Called after a response of a connection with a pending refusal was sent. */
  answerEnded(connection: Connection): void {
    if (connection.waiting !== undefined && !connection.ended) connection.goOn();
    else if (connection.refusal !== undefined) this.refuse(connection, connection.refusal);
  }

  /** Sends a refusal if the request has no response object, or its app has not answered. */
  #send(connection: Connection, refused: Refusal, req: IncomingMessage): IncomingMessage {
    const { socket } = connection;
    const bytes: Buffer[] = [];
    const gathered = new Writable({
      decodeStrings: true,
      write: (chunk: Buffer, _encoding, done) => done(void bytes.push(chunk)),
    });
    const res = new ServerResponse(req);
    res.assignSocket(gathered as Socket);
    const first = connection.exchange;
    const send = (): void => {
      // While filters waited, the app has answered the incomplete request, or has begun to.
      if (first?.res.headersSent !== true && socket.writable) socket.write(Buffer.concat(bytes));
      else if (first?.res.writableFinished === false) socket.destroy();
      connection.refusing = false;
      closeLingering(connection);
    };
    connection.refusing = true;
    this.#answer(req, res, refused);
    // At once if possible: a response of the app must not come first.
    if (res.writableEnded) send();
    else {
      res.once('finish', () => gathered.destroy());
      gathered.once('close', send);
    }
    return req;
  }
}
