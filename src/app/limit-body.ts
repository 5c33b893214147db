/**
 * Counting a request's body while somebody else reads it.
 */
import type { IncomingMessage } from 'node:http';

/** Read and thrown away after the limit, in bytes, so that the client can see the refusal; then reading stops. */
const DISCARDED = 65_536;

/**
 * Calls `onExceeded` once when more than `limit` bytes of body have come, and lets nothing more through: whoever reads
 * the body sees neither the rest nor an end, so it cannot take the part for the whole, and its read fails when the
 * connection is closed. Costs a comparison a chunk, and buffers nothing.
 */
export function limitBody(req: IncomingMessage, limit: number, onExceeded: () => void): void {
  let size = 0;
  const push = req.push.bind(req);
  // All of a body enters the request through push(), however it is read afterwards.
  req.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    const before = size;
    if (chunk instanceof Uint8Array) size += chunk.byteLength;
    if (size <= limit) return push(chunk, encoding);
    if (before <= limit) {
      // Not earlier: a destroyed request takes its socket along, and with it an answer the client has not read yet.
      req.socket.once('close', () => req.destroy());
      onExceeded();
    }
    return size <= limit + DISCARDED;
  };
}
