/**
 * Connections that switch to another protocol, such as WebSocket. Node's server does not track them; here they stay in
 * the list of connections until they are closed, and are notified when the server drains.
 */
import { setMaxListeners } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { Fault } from '../../app/index.js';
import { offerUpgrade, ServedResponse, type ServerState } from '../../app/internal.js';
import { isLastAnswer } from '../../wire/index.js';
import type { Connection } from './connection.js';
import { requestFacts } from './request-facts.js';

/** Most bytes of a client that are kept before its upgrade is accepted. */
const KEPT = 64 * 1024;

/** Upgraded connections of one server. */
export class Upgrades {
  readonly #open = new Map<Connection, { readonly target: string; readonly since: number }>();
  #closing: AbortController | undefined;
  readonly #state: ServerState;
  readonly #readAgain: (connection: Connection) => void;

  /** `readAgain`: reads HTTP on a connection whose upgrade no app took. */
  constructor(state: ServerState, readAgain: (connection: Connection) => void) {
    this.#state = state;
    this.#readAgain = readAgain;
    this.begin();
  }

  /** Called when the server serves: sessions may last. */
  begin(): void {
    if (this.#closing?.signal.aborted === false) return;
    this.#closing = new AbortController();
    // Each open stream and session listens to this signal: Node would warn of a leak from the eleventh on.
    setMaxListeners(0, this.#closing.signal);
    this.#state.closing = this.#closing.signal;
  }

  /** Called when the server drains. */
  end(): void {
    this.#closing!.abort();
  }

  /** Asks the open ones to end, and returns them: another app replaces theirs. */
  renew(): readonly Connection[] {
    this.end();
    this.begin();
    return [...this.#open.keys()];
  }

  /** Describes open ones, one line each. `among`: only these. */
  describe(among: Iterable<Connection> = this.#open.keys()): string[] {
    const now = performance.now();
    return [...among].flatMap((connection) => {
      const session = this.#open.get(connection);
      if (session === undefined) return [];
      return [`upgraded ${session.target} for ${((now - session.since) / 1000).toFixed(1)} s`];
    });
  }

  /**
   * Returns a response for a request with `Upgrade`, for which Node creates none. An app may take the connection instead (`takeUpgrade`);
   * then the response ends with 101, and none of it is sent. If no app takes it, the connection continues with HTTP: a server may ignore
   * an upgrade (RFC 9110 §7.8).
   */
  answerTo(req: IncomingMessage, connection: Connection, head: Buffer): ServerResponse {
    const { socket } = connection;
    // Signal of the app that has the request: aborted when another app replaces it.
    const closing = this.#closing!.signal;
    const res = new ServedResponse(req);
    res.shouldKeepAlive = connection.state === 'open';
    res.assignSocket(socket);
    const early = readEarly(connection, head);
    const fail = (): unknown => socket.destroy();
    const drain = (): unknown => res.emit('drain');
    const leave = (): unknown => req.destroy();
    const end = (): void => {
      const input = early();
      if (isLastAnswer(res)) {
        socket.destroySoon();
        return;
      }
      moveAway(res, socket).once('close', () => {
        if (socket.destroyed || connection.state !== 'open') return;
        if (input.length > 0) socket.unshift(input);
        this.#readAgain(connection);
        socket.off('error', fail).off('drain', drain).off('close', leave);
      });
    };
    res.once('finish', end);
    // Node has removed its own listeners from the socket.
    socket.on('error', fail).on('drain', drain).once('close', leave);
    offerUpgrade(req, () => {
      if (res.headersSent || socket.destroyed) return undefined;
      if (closing.aborted) throw new Fault(503, { message: 'The service is stopping or reloading.' });
      res.off('finish', end);
      this.#take(req, res, connection);
      return { socket, head: early(), closing };
    });
    return res;
  }

  #take(req: IncomingMessage, res: ServerResponse, connection: Connection): void {
    const { socket } = connection;
    const { method, path } = requestFacts(req);
    this.#open.set(connection, { target: `${method} ${path}`, since: performance.now() });
    connection.raw.once('close', () => this.#open.delete(connection));
    connection.state = 'upgraded';
    // Its timeouts were those of HTTP.
    socket.setTimeout(0);
    moveAway(res, socket);
    try {
      res.writeHead(101).end();
    } catch (error) {
      // An error of a filter or an application. Nothing else would close the connection.
      socket.destroy();
      throw error;
    }
  }
}

/** Lets a response, sent or not, end apart from its socket. Returns the stream with which it closes. */
export function moveAway(res: ServerResponse, socket: Socket): Writable {
  res.detachSocket(socket);
  return sendApart(res, () => undefined);
}

/** Sends a response without a socket to a function. Returns the stream with which it closes. */
export function sendApart(res: ServerResponse, take: (bytes: Buffer) => unknown): Writable {
  const apart = new Writable({ write: (chunk: Buffer, _encoding, done) => done(void take(chunk)) });
  res.assignSocket(apart as Socket);
  if (res.writableFinished) apart.destroy();
  else res.once('finish', () => apart.destroy());
  return apart;
}

/**
 * Reads a connection that has no other reader yet: otherwise its end would go unnoticed. Input beyond what is kept is not read, which has a
 * time limit. Returns a function that stops this and returns the data so far.
 */
function readEarly(connection: Connection, head: Buffer): () => Buffer {
  const { socket } = connection;
  const pieces = [head];
  let left = KEPT;
  // Not `data`: after a listener for it, the socket does not start to flow for its next reader.
  const read = (): void => {
    while (left > 0) {
      const piece = socket.read() as Buffer | null;
      if (piece === null) return;
      left -= piece.length;
      pieces.push(piece);
    }
    connection.readingStopped = true;
  };
  const ended = (): unknown => socket.destroy();
  let listens = false;
  // Most apps take the connection at once. A listener for `readable` that is removed while a socket resumes stops its flow a moment later.
  const begins = setImmediate(() => {
    listens = true;
    socket.on('readable', read).once('end', ended);
  });
  return () => {
    clearImmediate(begins);
    if (listens) socket.off('readable', read).off('end', ended);
    connection.readingStopped = false;
    return pieces.length === 1 ? head : Buffer.concat(pieces);
  };
}

/** Returns false for CONNECT, and with a body, which would mix with the other protocol; HTTP/1.0 has no upgrade (RFC 9110 §7.8). */
export function isUpgradable({ method, httpVersionMinor, headers }: IncomingMessage): boolean {
  const { 'content-length': length = '0', 'transfer-encoding': coding } = headers;
  return method !== 'CONNECT' && httpVersionMinor !== 0 && length === '0' && coding === undefined;
}
