/**
 * Closes a connection whose client may still be sending. If it is closed with unread bytes in its buffer, the system
 * resets it, and the reset destroys a response that the client has not read yet (RFC 9112 §9.6). So only the sending
 * side is closed, and the rest is read and discarded, without reaching the parser, until the client closes its side or
 * `ConnectionTimeouts` ends the connection.
 */
import type { Connection } from './connections.js';

/** Ends the writing side, and destroys the socket once the client has done the same. */
export function closeLingering(connection: Connection): void {
  const { socket } = connection;
  connection.ended = true;
  connection.waiting = undefined;
  if (socket.destroyed || socket.writableEnded) return;
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
  socket.on('data', () => {});
  // Ends the pending read of the stream: the next one makes the system read again, if the parser has stopped that.
  socket.push('');
  socket.resume();
}

/** Reports whether a connection without a request in progress still receives input, which is discarded. */
export function discardsInput({ socket, latest }: Connection): boolean {
  return socket.writableEnded || latest?.complete === false;
}
