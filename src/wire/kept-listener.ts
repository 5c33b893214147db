/** A listening socket that outlives its server: the next server of this process accepts on it. */
import type { Server } from 'node:net';

type Accept = (status: number, client: Closable | undefined) => void;
interface Closable {
  close(): void;
}
interface Handle extends Closable {
  onconnection: Accept;
}

/** `lib/net.js`: `_handle` has the socket, `_pipeName` the path of a Unix socket; `_listen2` (`setupListenHandle`) listens. */
interface Inside {
  _handle: Handle | null;
  _pipeName?: string | undefined;
  _listen2(address: null, port: number, type: number, backlog: number): void;
}

/** A socket between two servers. Connections wait unread until one of the two functions is called. */
export interface KeptListener {
  /** `server` listens on it, first to those that wait; it emits `listening`. */
  giveTo(server: Server, backlog: number): void;
  /** Closes it, with those that wait. */
  close(): void;
}

/** Takes the socket of a listening server, which then accepts nothing, as after its `close()`. */
export function keepListener(server: Server): KeptListener | undefined {
  const from = server as unknown as Inside;
  const handle = from._handle;
  if (handle === null) return undefined;
  from._handle = null;
  const waiting: Closable[] = [];
  handle.onconnection = (_status, client) => void (client && waiting.push(client));
  return {
    giveTo: (next, backlog) => {
      const to = next as unknown as Inside;
      to._handle = handle;
      to._pipeName = from._pipeName;
      to._listen2(null, -1, -1, backlog);
      for (const client of waiting.splice(0)) handle.onconnection(0, client);
    },
    close: () => {
      for (const client of waiting.splice(0)) client.close();
      handle.close();
    },
  };
}
