/**
 * Connections with input that is not a request: malformed bytes (400), headers or bodies that come too slowly (408), headers that are too
 * large (431). Responses in progress are sent first, then one refusal, then the connection is closed; later input is not read as a
 * request.
 */
import { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { Fault } from '../../app/index.js';
import { abortResponse, exchangeOf } from '../../app/internal.js';
import { failBody, socketUnder } from '../../wire/index.js';
import type { Connection, Exchange } from './connection.js';
import { connectionOf } from './connections.js';
import { type Refusal, type Rejections, refusal } from './refusal.js';
import { moveAway, sendApart } from './upgrades.js';

/** Input that does not arrive in time. */
export const TOO_SLOW = refusal(408, 'request too slow', 'The request did not arrive in time.');
const MALFORMED = refusal(400, 'malformed', 'The request is malformed.');
/** Headers, trailers and chunk extensions beyond their limits. */
export const TOO_LARGE = refusal(431, 'headers too large', 'The headers are too large.');

/** Refusals by the error codes of Node's parser and its timer; all other codes of the parser get 400. */
const BY_CODE: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: TOO_LARGE,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: TOO_LARGE,
  ERR_HTTP_REQUEST_TIMEOUT: TOO_SLOW,
};

/** Sends a refusal to a request. */
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
    if (connection === undefined) {
      // After a reset only the socket under TLS, whose address was read, knows its client.
      const raw = socketUnder(socket as TLSSocket) ?? socket;
      this.#rejections.note('tls handshake failed', raw, { detail: code });
    }
    if (connection === undefined || !fromParser || socket.destroyed) {
      socket.destroy();
      return;
    }
    // The client is not slow while it is not read, or only until a request may begin; nor before a request, after an upgrade that no app took.
    const { readingStopped, waiting, exchange, idle, requests, bytesBefore, state } = connection;
    const waits = idle && requests > 0 && socket.bytesRead === bytesBefore;
    const isHeldUp = readingStopped || waiting !== undefined || waits;
    if (code === 'ERR_HTTP_REQUEST_TIMEOUT' && isHeldUp) return;
    connection.cause ??= error;
    const isRefused = state === 'refused' || state === 'refusing';
    if (socket.readableEnded && !isRefused && (waiting !== undefined || exchange !== undefined)) {
      // The client has ended its side, perhaps within a body: as after whole requests, it has abandoned the requests in progress.
      socket.destroy(error);
      return;
    }
    // Bytes after the last request are not a request, and do not affect its response.
    const isWithinRequest = (waiting?.at(-1) ?? exchange)?.req.complete === false;
    if (state !== 'open' && !isWithinRequest) {
      if (idle) connection.linger();
      else connection.discard();
      return;
    }
    const refused = BY_CODE[code] ?? MALFORMED;
    // A connection without any input is closed without a response.
    if (code === 'ERR_HTTP_REQUEST_TIMEOUT' && socket.bytesRead === 0) {
      this.#rejections.countClosed('no request');
      socket.destroy();
      return;
    }
    const req = this.refuse(connection, refused, readableRequest(connection, error.rawPacket));
    const why = code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW' ? 'chunk extensions' : refused.why;
    this.#rejections.note(why, socket, { detail: code, req });
  }

  /**
   * Closes a connection with a refusal, after the responses in progress; in place of the last one if its body is
   * broken. `broken`: the refused request. Returns the request that gets the refusal, if known.
   */
  refuse(connection: Connection, refused: Refusal, broken?: IncomingMessage): IncomingMessage | undefined {
    const { state, exchange: first } = connection;
    if (state !== 'open' && state !== 'last') return undefined;
    connection.refuse(refused);
    if (connection.waiting !== undefined || first?.req.complete === true) return undefined;
    if (first?.res.headersSent !== true) return this.answer(connection, broken);
    connection.socket.destroy();
    return undefined;
  }

  /** Sends the refusal of a connection, unless the app of a request whose body is broken has responded. Returns the refused request. */
  answer(connection: Connection, broken?: IncomingMessage): IncomingMessage {
    const { socket, exchange: first } = connection;
    const refused = connection.refusal!;
    const req = first === undefined ? (broken ?? readableRequest(connection)) : requestLike(first.req);
    // A request keeps its id in the log, and its one line of the access log, also if the server refuses it.
    if (first !== undefined) Object.assign(exchangeOf(req), { requestId: first.requestId, refusalLine: 'written' });
    const bytes: Buffer[] = [];
    const res = new ServerResponse(req);
    const apart = sendApart(res, (chunk) => bytes.push(chunk));
    const send = (): void => {
      // While filters waited, the app has responded to the incomplete request, or has begun to.
      if (first?.res.headersSent !== true && socket.writable) socket.write(Buffer.concat(bytes));
      else if (first?.res.writableFinished === false) socket.destroy();
      connection.linger();
      if (first !== undefined && connection.exchange === first && !socket.destroyed) leave(first, refused);
    };
    connection.move('answer');
    connection.refusedAt = performance.now();
    this.#answer(req, res, refused);
    // At once if possible: a response of the app must not come first.
    if (res.writableEnded) send();
    else apart.once('close', send);
    return req;
  }
}

/** Ends a request that was refused while its app had it: its body fails, and its response closes with the status of the refusal. */
function leave({ req, res, ofConnection: { socket } }: Exchange, { status, reason }: Refusal): void {
  failBody(req);
  moveAway(res, socket);
  abortResponse(res, new Fault(status, { message: reason }));
}

// The readable part of a malformed request: the refusal has the format that its client accepts.

type Head = Pick<IncomingMessage, 'socket' | 'method' | 'url' | 'headers'>;

/** Most bytes that are read. */
const READ = 16 * 1024;

/**
 * Returns method, target and fields of the request at the start of `packet`, in which the parser failed. Returns a
 * request without them if it starts elsewhere: in an earlier packet, or after another request.
 */
export function readableRequest(connection: Connection, packet?: Buffer): IncomingMessage {
  const { socket, exchange, bytesBefore } = connection;
  const isNew = exchange === undefined && packet !== undefined && socket.bytesRead - packet.length >= bytesBefore;
  // The text after the last line end may be half a field.
  const lines = isNew ? packet.toString('latin1', 0, READ).trimStart().split(/\r?\n/).slice(0, -1) : [];
  const [, method = 'GET', url = ''] = /^([A-Z]+) ([!-~]+)(?: HTTP\/\d\.\d)?$/.exec(lines[0] ?? '') ?? [];
  const headers: IncomingMessage['headers'] = {};
  const end = lines.indexOf('');
  for (const line of method === '' || url === '' ? [] : lines.slice(1, end < 0 ? undefined : end)) {
    // No two parts may match the same text: a line of blanks would be tried in every combination.
    const [, name, value = ''] = /^([\w!#$%&'*+.^`|~-]+):([\t\x20-\x7e]*)$/.exec(line) ?? [];
    if (name !== undefined) headers[name.toLowerCase()] ??= value.trim();
  }
  return requestLike({ socket: connection.socket, method, url, headers });
}

/** Returns the headers of a request, without the state that its app has of it. */
function requestLike({ socket, method = 'GET', url = '', headers }: Head): IncomingMessage {
  const req = new IncomingMessage(socket);
  return Object.assign(req, { httpVersion: '1.1', httpVersionMajor: 1, httpVersionMinor: 1, method, url, headers });
}
