/**
 * Progress of a request body: the number of received bytes, and `100 Continue` for a client that waits for it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { beforeHead } from '../../app/index.js';
import { type BodyProgress, exchangeOf } from '../../app/internal.js';
import { beforeFirstRead, countBody, destroyBy, destroyLeft } from '../../wire/index.js';
import type { Exchange } from '../connections/connection.js';

/** Most bytes of chunk extensions in one request. */
const EXTENSIONS_LIMIT = 16 * 1024;
/** Largest rest of a body that is worth the connection. */
export const SMALL_BODY = 64 * 1024;
/** Bytes around a chunk without an extension: eight digits and two line ends. */
const CHUNK_FRAME = 12;

/**
 * Counts the body's bytes as they arrive. A client that requested `100 Continue` gets it when the app reads the body,
 * and not if the response comes without that.
 */
export function watchBody(exchange: Exchange, expectsContinue: boolean): void {
  const { req, res } = exchange;
  const body: BodyProgress = {
    // Not 0 if the request has waited for others of its connection.
    received: req.readableLength,
    waitedMs: 0,
    checkedAt: undefined,
    awaitsContinue: expectsContinue,
  };
  exchange.bodyProgress = body;
  countBody(req, body);
  destroyBy(req, destroy);
  res.prependListener('finish', readOn);
  if (expectsContinue) continueWhenRead(req, res, body);
}

/** Keeps the socket of a request whose body was left early. The rest of the body is not read, so its connection ends with the response. */
const destroy = destroyLeft((req) => {
  const { ofConnection: connection, res } = exchangeOf(req) as Exchange;
  req.socket = connection.socket;
  if (!req.complete && !res.headersSent) res.shouldKeepAlive = false;
});

/** Runs before Node's own listener, which would let the parser drop the rest: it has to be counted. */
function readOn(this: ServerResponse): void {
  if (!this.req.complete) this.req.resume();
}

function continueWhenRead(req: IncomingMessage, res: ServerResponse, body: BodyProgress): void {
  const send = (): void => {
    if (body.awaitsContinue && !res.headersSent) res.writeContinue();
    body.awaitsContinue = false;
  };
  beforeFirstRead(req, send);
  // The body has come with the headers: no client waits, but Node would end the connection of a request that got no 100.
  beforeHead(res, () => {
    if (req.complete) send();
  });
}

/**
 * Announces the end of the connection if much of the body is still to come, so that a client that reads the response early can stop
 * sending.
 */
export function announceUnread({ req, res, bodyProgress: body }: Exchange, length: number): void {
  beforeHead(res, () => {
    if (!req.complete && length - (body?.received ?? 0) > SMALL_BODY) res.setHeader('connection', 'close');
  });
}

/**
 * Counts the bytes of a chunked body that are not data, and calls back once if they exceed what chunks need: the rest are chunk extensions,
 * which the parser limits only per chunk. `before`: the bytes that its connection had received at the end of the request before.
 */
export function watchChunks({ req, res, bodyProgress: body }: Exchange, before: number, tooLong: () => void): void {
  const carrier = req as unknown as { push: (chunk: unknown, encoding?: BufferEncoding) => boolean };
  const below = carrier.push;
  let frames = before + headLength(req) + EXTENSIONS_LIMIT;
  let looking = false;
  // The bytes behind a whole body belong to other requests.
  const isOver = (): boolean => !req.complete && req.socket.bytesRead - (body?.received ?? 0) > frames;
  const look = (): void => {
    looking = false;
    // After the response, the rest may bypass the parser, where it is not counted as body.
    if (res.writableEnded || !isOver()) return;
    frames = Number.POSITIVE_INFINITY;
    tooLong();
  };
  carrier.push = function push(this: unknown, chunk, encoding): boolean {
    const more = Reflect.apply(below, this, [chunk, encoding]);
    frames += CHUNK_FRAME;
    if (!looking && isOver()) {
      // Deferred: the parser is within these bytes, and more of them may be body.
      looking = true;
      setImmediate(look);
    }
    return more;
  };
}

/** Returns the length of the request's headers, without blanks around values. */
function headLength({ method = '', url = '', rawHeaders }: IncomingMessage): number {
  return rawHeaders.reduce((sum, text) => sum + text.length + 2, method.length + url.length + 14);
}
