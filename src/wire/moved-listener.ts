/** A listening socket that outlives its server: the next server of this process accepts on it. */
import type { Server } from 'node:net';

/** `lib/net.js`: `_handle` has the socket, `_pipeName` the path of a Unix socket; `_listen2` (`setupListenHandle`) listens. */
interface Inside {
  _handle: object | null;
  _pipeName?: string | undefined;
  _listen2(address: null, port: number, type: number, backlog: number): void;
}

/**
 * Moves the socket of a listening server to another one, which accepts on it from this turn of the event loop on, and emits `listening`. The
 * first one has its connections, and closes as after its `close()`. Returns false, and moves nothing, if that does not listen.
 */
export function moveListener(from: Server, to: Server, backlog: number): boolean {
  const [before, next] = [from as unknown as Inside, to as unknown as Inside];
  if (before._handle === null) return false;
  next._handle = before._handle;
  next._pipeName = before._pipeName;
  before._handle = null;
  next._listen2(null, -1, -1, backlog);
  return true;
}
