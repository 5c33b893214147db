/**
 * Connections of a server, and the request in progress on each.
 *
 * Node's own server does not track connections that have sent nothing or half a head, and destroys idle ones although a
 * request may be on its way; so a server that drains without losses keeps this list itself.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { Exchange as AppExchange, EXCHANGE, type ServedResponse, type ServerState } from '../../app/internal.js';
import { HEAD, requestsInHand } from '../../process/index.js';
import { holdBody, socketUnder } from '../../wire/index.js';
import type { Refusal } from './refusal.js';

/** One request in progress: accepted, and its response not complete. */
export interface Exchange extends AppExchange {
  readonly res: ServerResponse;
  ofConnection: Connection;
}

/** State of a connection at its last activity. */
interface Movement {
  readonly requests: number;
  readonly received: number;
  readonly sent: number;
  readonly unsent: number;
  readonly since: number;
  /** Time since which unsent bytes have waited; undefined if none wait. */
  readonly stalledSince: number | undefined;
}

/** A received request that waits for the one before it. */
interface Waiting {
  readonly req: IncomingMessage;
  /** Begins it. */
  readonly begin: () => void;
}

/** Most bytes that are read after the last request of a connection while responses are in progress. */
const DISCARDED = 64 * 1024;

/** One accepted connection. */
export class Connection {
  /** The accepted socket. */
  readonly raw: Socket;
  /** Socket used for HTTP: the accepted socket, or TLS over it. */
  socket: Socket;
  /** True until its first request: it may be silent, in a handshake, or within a head. */
  fresh = true;
  /** Time of its last use by `performance.now()`: accepted, or, if `keepTimes` is set, response complete. */
  lastUseAt = performance.now();
  /**
   * Order of last use. Grows with each new connection and each completed response: among idle ones, the smallest has
   * been idle longest.
   */
  lastUse = 0;
  /** Number of requests after which it was seen idle, and that time by `performance.now()`. */
  idleAfter = 0;
  idleSince = 0;
  /** Bytes received when its last response ended; if that was early, when the timeouts saw the rest of the body. */
  bytesBefore = 0;
  /** True if its last response ended before the body of the request. */
  endedEarly = false;
  /** Activity as last seen by the timeouts. */
  movement: Movement | undefined = undefined;
  /** True after an upgrade to another protocol; its handler closes it. */
  upgraded = false;
  /** Number of requests received. */
  requests = 0;
  /** Place among sixteen connections accepted one after another, 0 to 15. */
  place = 0;
  /** True if no further request is answered; later input is discarded. */
  ended = false;
  /** True if reading was stopped deliberately. */
  readingStopped = false;
  #keepsStopped = false;
  /** Received requests after the one in progress, and a function that runs work in the connection's own async context. */
  waiting: Waiting[] | undefined;
  #inItsContext: (<T>(work: () => T) => T) | undefined;
  /** Bytes received when the first of them arrived. */
  #waitsFrom = 0;
  /** Bytes received when discarding began. */
  #discardedFrom: number | undefined;
  /** True if its client may still be sending unwanted data: it is then closed with a delay. */
  lingers = false;
  /** Refusal to send after the responses in progress: the input after their requests was malformed. */
  refusal: Refusal | undefined;
  /** Error of Node's parser or its timer: code that holds the socket of a request gets it from its `error` event. */
  cause: Error | undefined;
  /** True while its last response, to malformed input, is being prepared. */
  refusing = false;
  /**
   * Its last request, while it or its response is in progress. If it were kept longer, the request and its objects
   * would survive collections of the young generation, which then take twice as long, and cost memory for each idle
   * connection.
   */
  latest: IncomingMessage | undefined;
  /** The request in progress; later ones of a client that pipelines wait until its response has ended. */
  exchange: Exchange | undefined;

  constructor(raw: Socket) {
    this.raw = raw;
    this.socket = raw;
  }

  /** Reports whether no request is in progress. */
  get idle(): boolean {
    return this.exchange === undefined && !this.upgraded && this.waiting === undefined && !this.refusing;
  }

  get discards(): boolean {
    return this.#discardedFrom !== undefined;
  }

  /** Reports whether responses are due other than that to a request whose body is arriving. */
  get waitedFor(): boolean {
    return this.waiting !== undefined || this.exchange?.req.complete === true;
  }

  /** Stops reading from the socket, even if others resume it. */
  stopReading(): void {
    this.readingStopped = true;
    if (!this.#keepsStopped) {
      this.#keepsStopped = true;
      // Node's parser resumes the socket after each message, and so does a reader of a body.
      this.socket.on('resume', () => {
        if (this.readingStopped) this.socket.pause();
      });
    }
    this.socket.pause();
  }

  /** Keeps a request and its body until the one before it has ended. After a second read of the socket with such requests, reading stops. */
  wait(req: IncomingMessage, begin: () => void): void {
    this.#inItsContext ??= AsyncLocalStorage.snapshot();
    if (this.waiting === undefined) {
      this.waiting = [];
      this.#waitsFrom = this.socket.bytesRead;
    }
    const heldUntil = holdBody(req);
    this.waiting.push({ req, begin: () => heldUntil(begin) });
    if (this.socket.bytesRead > this.#waitsFrom) this.stopReading();
  }

  /** Called after a response was sent: begins the next request, or reads it. */
  goOn(): void {
    // Deferred: the other connections have their turn.
    if (this.waiting !== undefined) setImmediate(() => this.#inItsContext!(() => this.#beginNext()));
    else this.readOn();
  }

  #beginNext(): void {
    if (this.waiting === undefined || this.exchange !== undefined || this.socket.destroyed) return;
    const { begin } = this.waiting.shift()!;
    if (this.waiting.length === 0) {
      this.waiting = undefined;
      this.readOn();
    }
    begin();
  }

  /** Discards input from now on. It is read for a while, to detect that the client disconnects. */
  discard(): void {
    this.#discardedFrom ??= this.socket.bytesRead;
    if (this.socket.bytesRead - this.#discardedFrom > DISCARDED) this.stopReading();
  }

  /** Drops the last waiting request if its rest will never arrive. */
  forgetIncomplete(): void {
    if (this.waiting?.at(-1)?.req.complete !== false) return;
    this.waiting.pop();
    if (this.waiting.length === 0) this.waiting = undefined;
  }

  /** Resumes reading if it was stopped. */
  readOn(): void {
    if (!this.readingStopped) return;
    this.readingStopped = false;
    this.socket.resume();
  }
}

const BLANK = 32;
const QUESTION_MARK = 63;

const CONNECTION: unique symbol = Symbol('portico.connection');
type Marked = { [CONNECTION]?: Connection };

/** Returns the connection of a socket, plain or TLS; undefined if no list has accepted it. */
export function connectionOf(socket: object): Connection | undefined {
  return (socket as Marked)[CONNECTION];
}

/** All connections of one server. */
export class ConnectionList {
  readonly #connections = new Set<Connection>();
  readonly #connectionClosed: () => void;
  /** Called when a response has closed. */
  readonly #ended: (this: ServerResponse) => void;
  /** Server state that requests can read. */
  readonly #server: ServerState;
  /** Records the end time of each response; it costs as much as the other counting, so only for a drain. */
  keepTimes = false;
  /** Last value read from `performance.now()`: exact enough for the age of requests. */
  coarseNow = performance.now();
  /** Number of requests in progress. */
  inFlight = 0;
  #uses = 0;
  #accepted = 0;

  /** `exchangeEnded`: called when a response is complete, or its client has disconnected. */
  constructor(server: ServerState, exchangeEnded: (exchange: Exchange) => void, connectionClosed: () => void) {
    this.#server = server;
    this.#connectionClosed = connectionClosed;
    // One function for all responses, which finds its exchange by `this`: a closure for each would cost every request.
    // oxlint-disable-next-line typescript/no-this-alias -- `this` of the function is the response
    const list = this;
    this.#ended = function ended(this: ServerResponse) {
      const exchange = (this as ServedResponse)[EXCHANGE] as Exchange;
      const { ofConnection: connection, req } = exchange;
      if (connection.exchange !== exchange) return;
      connection.exchange = undefined;
      if (req.complete && connection.latest === req) connection.latest = undefined;
      connection.lastUse = ++list.#uses;
      if (list.keepTimes) connection.lastUseAt = performance.now();
      list.inFlight--;
      if (exchange.handIndex !== -1) {
        requestsInHand.serials[exchange.handIndex] = 0;
        requestsInHand.free.push(exchange.handIndex);
      }
      exchangeEnded(exchange);
    };
  }

  /** Number of open connections. */
  get size(): number {
    return this.#connections.size;
  }

  [Symbol.iterator](): IterableIterator<Connection> {
    return this.#connections.values();
  }

  /** Adds a connection at the server's `connection` event: for TLS before the handshake. */
  accept(raw: Socket): Connection {
    const connection = new Connection(raw);
    connection.lastUse = ++this.#uses;
    connection.place = this.#accepted++ & 15;
    (raw as Marked)[CONNECTION] = connection;
    this.#connections.add(connection);
    raw.once('close', () => this.#forget(connection));
    return connection;
  }

  /** Records that HTTP uses `socket`, TLS over an accepted socket, from now on. */
  secured(socket: TLSSocket): Connection {
    const raw = socketUnder(socket);
    const connection = (raw && connectionOf(raw)) ?? this.accept(socket);
    connection.socket = socket;
    (socket as Marked)[CONNECTION] = connection;
    return connection;
  }

  /** Counts a request; it is removed when its response closes. */
  begin(req: IncomingMessage, res: ServerResponse, connection: Connection): Exchange {
    const exchange = new AppExchange(req, res, this.#server) as Exchange;
    exchange.ofConnection = connection;
    exchange.since = this.coarseNow;
    // Without a call, by single characters, and without joining the texts: each would take twice as long.
    const { free, heads, lengths, serials } = requestsInHand;
    const slot = free.pop();
    if (slot !== undefined) {
      const { method = '', url = '' } = req;
      const start = slot * HEAD;
      const end = start + HEAD;
      let at = start;
      for (let index = 0; index < method.length && at < end; index++) heads[at++] = method.charCodeAt(index);
      if (at < end) heads[at++] = BLANK;
      for (let index = 0; index < url.length && at < end; index++) {
        const character = url.charCodeAt(index);
        // Stops at the query, which may hold secrets.
        if (character === QUESTION_MARK) break;
        heads[at++] = character;
      }
      lengths[slot] = at - start;
      requestsInHand.serial = (requestsInHand.serial + 1) & 0x7fffffff || 1;
      serials[slot] = requestsInHand.serial;
      exchange.handIndex = slot;
    }
    connection.fresh = false;
    connection.requests++;
    connection.latest = req;
    connection.exchange = exchange;
    this.inFlight++;
    res.on('close', this.#ended);
    return exchange;
  }

  #forget(connection: Connection): void {
    if (!this.#connections.delete(connection)) return;
    connection.waiting = undefined;
    if (connection.exchange !== undefined) this.#ended.call(connection.exchange.res);
    this.#connectionClosed();
  }
}
