/**
 * Closing a connection whose client may still be sending. Closed with unread bytes in its buffer, the system resets it,
 * and the reset destroys an answer that the client has not read yet (RFC 9112 §9.6). So the rest is read and thrown
 * away for a while: it never reaches the parser.
 */
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { Connection } from './connections.js';

/** How much is read and thrown away at most, before the connection is destroyed. */
export const DISCARD_BYTES = 64 * 1024;
const DISCARD_MS = 1000;

/** Says that nothing more comes, waits until the client has done the same, within limits, and destroys the socket. */
export function closeLingering(connection: Connection): void {
  const { socket } = connection;
  if (socket.destroyed) return;
  if (socket.readableEnded) {
    socket.end(() => socket.destroy(connection.cause));
    return;
  }
  // A listener of our own takes the socket away from the parser, which reads it below the stream; without its own
  // listener the parser gets nothing this way either.
  socket.removeAllListeners('data');
  socket.once('end', () => socket.destroy(connection.cause));
  socket.end();
  connection.readOn();
  readAway(socket, () => socket.destroy(connection.cause));
}

/**
 * Reads away what is left of a request body that its handler did not want, so that the connection can continue with the
 * next request; destroys it when there is too much of it.
 *
 * The listener is on the request. One on the socket would take the connection away from the parser, which reads it below
 * the stream, and Node 20 does not give it back.
 */
export function discardRest(req: IncomingMessage): void {
  readAway(req, () => req.socket.destroy());
}

/** Reads until the stream is closed; gives up at too much, or after too long. */
function readAway(stream: Readable, giveUp: () => void): void {
  let left = DISCARD_BYTES;
  stream.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) giveUp();
  });
  const timer = setTimeout(giveUp, DISCARD_MS);
  stream.once('close', () => clearTimeout(timer));
  stream.resume();
}
