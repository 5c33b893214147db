/**
 * Connections on which something came that is no request: broken bytes, nothing in time, CONNECT. The answers under way
 * are sent first, then one refusal, then the connection is closed; nothing after the breakage is read as a request.
 */
import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { environ } from '../../app/index.js';
import { readableRequest, requestLike } from './broken-request.js';
import { type Connection, connectionOf } from './connections.js';
import { closeLingering } from './lingering-close.js';
import { type Refusal, type Rejections, refusal } from './refusal.js';

/** For whatever does not arrive in time. */
export const TOO_SLOW = refusal(408, 'request too slow', 'The request did not arrive in time.');
const MALFORMED = refusal(400, 'malformed', 'The request is malformed.');
const NO_CONNECT = refusal(400, 'connect', 'CONNECT is not supported.');
/** For heads, trailers and chunk extensions beyond their limits. */
export const TOO_LARGE = refusal(431, 'headers too large', 'The headers are too large.');

/** Errors of Node's parser and its timer, each with its answer; all other codes of the parser are 400. */
const BY_CODE: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: TOO_LARGE,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: TOO_LARGE,
  ERR_HTTP_REQUEST_TIMEOUT: TOO_SLOW,
};

/** Answers a request with a refusal, on its response. */
export type Refuse = (req: IncomingMessage, res: ServerResponse, refused: Refusal) => void;

/** Ends broken connections of one server. */
export class BrokenConnections {
  readonly #rejections: Rejections;
  readonly #answer: Refuse;

  constructor(rejections: Rejections, answer: Refuse) {
    this.#rejections = rejections;
    this.#answer = answer;
  }

  /** The server's `clientError` event, which comes without a response object. */
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
    // A connection on which nothing was ever sent is closed without a word.
    const isSilent = code === 'ERR_HTTP_REQUEST_TIMEOUT' && socket.bytesRead === 0;
    const req = isSilent ? undefined : this.refuse(connection, refused, readableRequest(connection, error.rawPacket));
    if (isSilent) socket.destroy();
    const why = code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW' ? 'chunk extensions' : refused.why;
    this.#rejections.note(why, socket, code, req && environ(req).requestId);
  }

  /** The server's `connect` event. */
  connect(req: IncomingMessage, socket: Socket): void {
    // Node has taken its own listeners off the socket.
    socket.on('error', () => socket.destroy());
    const connection = connectionOf(socket);
    if (connection === undefined) socket.destroy();
    else this.refuse(connection, NO_CONNECT, req);
    this.#rejections.note('connect', socket, undefined, environ(req).requestId);
  }

  /**
   * Ends a connection with a refusal, after the answers under way; instead of the last one if its body is broken. `broken`: the request
   * that is refused. Gives that which the answer is for, where it is known.
   */
  refuse(connection: Connection, refused: Refusal, broken?: IncomingMessage): IncomingMessage | undefined {
    if (connection.refusing) return undefined;
    connection.lingers = true;
    connection.refusal = refused;
    connection.forgetIncomplete();
    if (connection.waits) {
      connection.discard();
      return undefined;
    }
    connection.ended = true;
    const [first] = connection.exchanges;
    const halfRead = connection.exchanges.length === 1 && first?.req.complete === false;
    if (halfRead && first.res.headersSent) connection.socket.destroy();
    else if (halfRead) return this.#send(connection, refused, requestLike(first.req));
    else if (first === undefined) return this.#send(connection, refused, broken ?? readableRequest(connection));
    else connection.discard();
    return undefined;
  }

  /** To be called when an answer of a connection that is to be refused is out. */
  answerEnded(connection: Connection): void {
    if (connection.waits && !connection.ended) connection.goOn();
    else if (connection.refusal !== undefined) this.refuse(connection, connection.refusal);
  }

  /** Sends a refusal where the request has no response, or one that its app still has. */
  #send(connection: Connection, refused: Refusal, req: IncomingMessage): IncomingMessage {
    const { socket } = connection;
    const bytes: Buffer[] = [];
    const gathered = new Writable({
      decodeStrings: true,
      write: (chunk: Buffer, _encoding, done) => done(void bytes.push(chunk)),
    });
    const res = new ServerResponse(req);
    res.assignSocket(gathered as Socket);
    const [first] = connection.exchanges;
    const send = (): void => {
      // While filters waited the app has answered the half of a request that it has, or has begun to.
      if (first?.res.headersSent !== true && socket.writable) socket.write(Buffer.concat(bytes));
      else if (first?.res.writableFinished === false) socket.destroy();
      connection.refusing = false;
      closeLingering(connection);
    };
    connection.refusing = true;
    this.#answer(req, res, refused);
    // At once where it can be: what an app answers meanwhile must not be before it.
    if (res.writableEnded) send();
    else {
      res.once('finish', () => gathered.destroy());
      gathered.once('close', send);
    }
    return req;
  }
}
