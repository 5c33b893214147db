/**
 * Counting a request's body while somebody else reads it.
 */
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { countFor } from '../wire/index.js';

/** Read and thrown away after the limit, in bytes, so that the client can see the refusal; then reading stops. */
const DISCARDED = 65_536;

type Push = (chunk: unknown, encoding?: BufferEncoding) => boolean;

/**
 * Calls `onExceeded` once when more than `limit` bytes of body have come, and lets nothing more through: whoever reads
 * the body sees neither the rest nor an end, so it cannot take the part for the whole, and its read fails when the
 * connection is closed, with the error that `onExceeded` gave, if any. Costs a comparison a chunk, and buffers nothing.
 */
export function limitBody(req: IncomingMessage, limit: number, onExceeded: () => unknown): void {
  const carrier = req as unknown as { push: Push };
  const below = carrier.push;
  let size = 0;
  let drain: Readable | undefined;

  // All of a body enters the request through push(), however it is read afterwards.
  carrier.push = (chunk, encoding) => {
    if (chunk instanceof Uint8Array) size += chunk.byteLength;
    if (size <= limit) return Reflect.apply(below, req, [chunk, encoding]);
    if (drain === undefined) {
      drain = new Readable({ read: () => undefined }).resume();
      countFor(req, drain);
      // Not earlier: a destroyed request takes its socket along, and with it an answer the client has not read yet.
      const reason = onExceeded();
      req.socket.once('close', () => req.destroy(reason instanceof Error ? reason : undefined));
    }
    // By the same way as the rest, but into nothing: a server that counts what comes still sees it.
    Reflect.apply(below, drain, [chunk, encoding]);
    return size <= limit + DISCARDED;
  };
}
