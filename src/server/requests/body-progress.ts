/**
 * A request body on its way in: how much of it has come, `100 Continue` for the client that waits for it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { beforeHead } from '../../app/index.js';
import type { BodyProgress } from '../../app/internal.js';
import { beforeFirstRead, countBody } from '../../wire/index.js';
import type { Exchange } from '../connections/connections.js';
import { DISCARD_BYTES } from '../connections/lingering-close.js';

/** Bytes of chunk extensions that one request may have. */
const EXTENSIONS_LIMIT = 16 * 1024;
/** Bytes around a chunk without an extension: eight digits and two line ends. */
const CHUNK_FRAME = 12;

/**
 * Counts the body's bytes as they come. A client that asked for `100 Continue` gets it once the app reads the body, and
 * not when the request is answered without.
 */
export function watchBody(exchange: Exchange, declared: number | undefined, expectsContinue: boolean): void {
  const { req, res } = exchange;
  const body: BodyProgress = {
    // Not nothing where the request has waited for others of its connection.
    received: req.readableLength,
    declared,
    waitedMs: 0,
    checkedAt: undefined,
    awaitsContinue: expectsContinue,
  };
  exchange.body = body;
  countBody(req, body);
  res.prependListener('finish', readOn);
  if (expectsContinue) continueWhenRead(req, res, body);
}

/** Before Node's own listener, which would let the parser drop what is still to come: it is to be counted. */
function readOn(this: ServerResponse): void {
  if (!this.req.complete) this.req.resume();
}

function continueWhenRead(req: IncomingMessage, res: ServerResponse, body: BodyProgress): void {
  beforeFirstRead(req, () => {
    body.awaitsContinue = false;
    if (!res.headersSent) res.writeContinue();
  });
}

/**
 * Says in the answer that the connection ends when by then more of a long body is to come than is read away: it will
 * be closed, and the client should hear of it.
 */
export function announceUnread({ req, res, body }: Exchange, length: number): void {
  beforeHead(res, () => {
    if (!req.complete && length - (body?.received ?? 0) > DISCARD_BYTES) res.setHeader('connection', 'close');
  });
}

/**
 * Counts what a chunked body has around its data, and calls back once when that is more than chunks need: extensions,
 * of which the parser limits the length only chunk by chunk. `before` is how much its connection had brought when the
 * request before it ended.
 */
export function watchChunks({ req, res, body }: Exchange, before: number, tooLong: () => void): void {
  const carrier = req as unknown as { push: (chunk: unknown, encoding?: BufferEncoding) => boolean };
  const below = carrier.push;
  let frames = before + headLength(req) + EXTENSIONS_LIMIT;
  let looking = false;
  const isOver = (): boolean => req.socket.bytesRead - (body?.received ?? 0) > frames;
  const look = (): void => {
    looking = false;
    // After the answer the rest may be read away past the parser, where it is not counted as body.
    if (res.writableEnded || !isOver()) return;
    frames = Number.POSITIVE_INFINITY;
    tooLong();
  };
  carrier.push = function push(this: unknown, chunk, encoding): boolean {
    const more = Reflect.apply(below, this, [chunk, encoding]);
    frames += CHUNK_FRAME;
    if (!looking && isOver()) {
      // Not now: the parser is in the middle of these bytes, and more of them may be body.
      looking = true;
      setImmediate(look);
    }
    return more;
  };
}

/** How long the head of a request was, blanks around values left out. */
function headLength({ method = '', url = '', rawHeaders }: IncomingMessage): number {
  return rawHeaders.reduce((sum, text) => sum + text.length + 2, method.length + url.length + 14);
}
