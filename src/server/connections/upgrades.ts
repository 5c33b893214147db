/**
 * Connections that switch to another protocol, such as WebSocket: sessions. Node's server does not track them; here they stay in the list of
 * connections until they are closed. When the server stops, or replaces their app, they are asked to end.
 */
import { setMaxListeners } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { offerUpgrade, ServedResponse, type ServerState } from '../../app/internal.js';
import type { Logger } from '../../log/index.js';
import { isLastAnswer, unsentBytes } from '../../wire/index.js';
import type { Connection } from './connection.js';
import { requestFacts } from './request-facts.js';

/** Most bytes of a client that are kept before its upgrade is accepted. */
const KEPT = 64 * 1024;

/** Time that apps have to listen, before a session or a stream is asked to end that begins while the server stops already. */
const BEGINS_MS = 1000;

/** Time between two looks at the sessions that were asked to end. */
const LOOK_MS = 1000;

/** Looks in a row that find nothing sent, after which such a session is closed: five seconds. */
const QUIET_LOOKS = 5;

/** Most sessions that a log line names; the others are counted. */
const NAMED = 20;

/** An open session. */
interface Session {
  readonly target: string;
  readonly since: number;
  /** Aborted when it is asked to end. */
  readonly closing: AbortSignal;
  /**
   * Bytes that the app had written at the last look, and of these the ones that the client had not taken; then the number of quiet looks
   * since.
   */
  written: number;
  unsent: number;
  quietLooks: number;
}

/** Upgraded connections of one server. */
export class Upgrades {
  readonly #open = new Map<Connection, Session>();
  #closing: AbortController | undefined;
  /** Makes the next signal of what begins while the server stops. */
  #later: NodeJS.Timeout | undefined;
  /** Looks at the sessions that were asked to end, while there are any. */
  #looks: NodeJS.Timeout | undefined;
  readonly #state: ServerState;
  readonly #log: Logger;

  constructor(state: ServerState, log: Logger) {
    this.#state = state;
    this.#log = log;
    this.begin();
  }

  /** Called when the server serves: sessions may last. */
  begin(): void {
    if (this.#closing !== undefined && !this.#isEnding) return;
    clearTimeout(this.#later);
    this.#closing = this.#offer();
  }

  /** Asks open sessions and streams to end. One that begins later may begin, and is asked within two seconds. */
  end(): void {
    if (this.#isEnding) return;
    this.#ask(this.#closing!);
    this.#followEnd();
  }

  /** True from {@link end} on, until the server serves again. */
  get #isEnding(): boolean {
    return this.#closing!.signal.aborted;
  }

  /** Called when all connections are closed. */
  close(): void {
    clearTimeout(this.#later);
  }

  /**
   * Gives requests that begin from now on another signal, once a second, and aborts the one `before`: clients know nothing of the stop, and an event
   * that has passed would not reach a listener. So each has a second at least.
   */
  #followEnd(before?: AbortController): void {
    const later = this.#offer();
    this.#later = setTimeout(() => {
      this.#followEnd(later);
      if (before !== undefined) this.#ask(before);
    }, BEGINS_MS).unref();
  }

  /** Makes the signal of the requests that begin from now on. */
  #offer(): AbortController {
    const offered = new AbortController();
    // Each open stream and session listens to this signal: Node would warn of a leak from the eleventh on.
    setMaxListeners(0, offered.signal);
    this.#state.closing = offered.signal;
    return offered;
  }

  /** Asks the open ones to end: another app replaces theirs. Returns the sessions that were not asked before; those of a stop are asked soon. */
  renew(): readonly Connection[] {
    const asked = [...this.#open].flatMap(([connection, { closing }]) => (closing.aborted ? [] : connection));
    if (!this.#isEnding) {
      this.#ask(this.#closing!);
      this.#closing = this.#offer();
    }
    return asked;
  }

  #ask(closing: AbortController): void {
    closing.abort();
    if (this.#open.size > 0) this.#looks ??= setInterval(() => this.#look(), LOOK_MS).unref();
  }

  /**
   * Closes sessions that were asked to end and on which nothing is sent for a while: their clients ignore the request, and would hold a
   * stop until its deadline. A session whose app still sends, or whose client still takes data, goes on until the deadline, as a request at
   * work does.
   */
  #look(): void {
    const quiet: Connection[] = [];
    let asked = 0;
    for (const [connection, session] of this.#open) {
      if (!session.closing.aborted) continue;
      asked++;
      const { bytesWritten: written } = connection.socket;
      const unsent = unsentBytes(connection.socket);
      const isQuiet = written === session.written && unsent === session.unsent;
      Object.assign(session, { written, unsent, quietLooks: isQuiet ? session.quietLooks + 1 : 0 });
      if (session.quietLooks >= QUIET_LOOKS) quiet.push(connection);
    }
    if (quiet.length === asked) {
      clearInterval(this.#looks);
      this.#looks = undefined;
    }
    if (quiet.length === 0) return;
    this.#log.info(
      { count: quiet.length, connections: this.describe(quiet.slice(0, NAMED)) },
      'upgraded connections were closed: they were asked to end, and nothing was sent on them for 5 s',
    );
    for (const { socket } of quiet) socket.destroy();
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
    // Of the app that has the request: aborted when another app replaces it.
    const ofApp = this.#state.closing!;
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
        connection.readAgain!(socket);
        socket.off('error', fail).off('drain', drain).off('close', leave);
      });
    };
    res.once('finish', end);
    // Node has removed its own listeners from the socket.
    socket.on('error', fail).on('drain', drain).once('close', leave);
    offerUpgrade(req, () => {
      if (res.headersSent || socket.destroyed) return undefined;
      res.off('finish', end);
      const closing = ofApp.aborted ? this.#state.closing! : ofApp;
      this.#take(req, res, connection, closing);
      return { socket, head: early(), closing };
    });
    return res;
  }

  #take(req: IncomingMessage, res: ServerResponse, connection: Connection, closing: AbortSignal): void {
    const { socket } = connection;
    const { method, path } = requestFacts(req);
    const target = `${method} ${path}`;
    this.#open.set(connection, { target, since: performance.now(), closing, written: -1, unsent: 0, quietLooks: 0 });
    connection.raw.once('close', () => this.#open.delete(connection));
    connection.move('upgrade');
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
