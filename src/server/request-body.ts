/**
 * A request body on its way in: how much of it has come, and `100 Continue` for the client that waits for it.
 */
import { IncomingMessage } from 'node:http';
import type { Exchange } from './connections.js';

/**
 * Counts the body's bytes as they come. A client that asked for `100 Continue` gets it once somebody reads the body, and
 * not when the request is answered without.
 */
export function watchBody(exchange: Exchange, expectsContinue: boolean): void {
  const { req, res } = exchange;
  const body = { received: 0, waitedMs: 0, checkedAt: exchange.since, held: expectsContinue };
  exchange.body = body;
  req.push = function push(chunk: unknown, encoding?: BufferEncoding): boolean {
    if (chunk !== null) body.received += (chunk as Buffer).length;
    return IncomingMessage.prototype.push.call(this, chunk, encoding);
  };
  if (!expectsContinue) return;
  req._read = function read(size: number): void {
    body.held = false;
    Reflect.deleteProperty(req, '_read');
    if (!res.headersSent) res.writeContinue();
    req._read(size);
  };
}
