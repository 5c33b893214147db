/**
 * Closes a connection whose client may still be sending. If it is closed with unread bytes in its buffer, the system
 * resets it, and the reset destroys a response that the client has not read yet (RFC 9112 §9.6). So the rest is read
 * and discarded for a while, without reaching the parser.
 */
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { Connection } from './connections.js';

/** Most bytes that are read and discarded before the connection is destroyed. */
export const DISCARD_BYTES = 64 * 1024;
const DISCARD_MS = 1000;

/** Ends the writing side, waits within limits until the client has done the same, and destroys the socket. */
export function closeLingering(connection: Connection): void {
  const { socket } = connection;
  if (socket.destroyed) return;
  if (socket.readableEnded) {
    socket.end(() => socket.destroy(connection.cause));
    return;
  }
  // A separate listener takes the socket away from the parser, which reads it below the stream; without its own
  // listener the parser gets nothing this way either.
  socket.removeAllListeners('data');
  socket.once('end', () => socket.destroy(connection.cause));
  socket.end();
  connection.readOn();
  readAway(socket, () => socket.destroy(connection.cause));
}

/**
 * Discards the rest of a request body that its handler did not read, so that the connection can continue with the next
 * request; destroys the connection if there is too much.
 *
 * The listener is on the request. One on the socket would take the connection away from the parser, which reads it
 * below the stream, and Node 20 does not give it back.
 */
export function discardRest(connection: Connection, req: IncomingMessage): void {
  // Nothing can read a body that was left early.
  if (req.destroyed) closeLingering(connection);
  else readAway(req, () => req.socket.destroy());
}

/** Reads until the stream is closed; gives up after too many bytes or too long. */
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
