/**
 * The connections of a server and the requests at work on each.
 *
 * Node's own server loses sight of connections that have sent nothing or half a head, and destroys idle ones under a
 * request that is already on its way; so a server that drains without losing anything keeps this list itself.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { Exchange as AppExchange, exchangeOf, type ServerState } from '../../app/internal.js';
import { HEAD, requestsInHand } from '../../process/index.js';
import { socketUnder } from '../../wire/index.js';
import { Backlog } from './backlog.js';
import type { Refusal } from './refusal.js';

/** One request at work: accepted, and its response not yet done with. */
export interface Exchange extends AppExchange {
  readonly res: ServerResponse;
  connection: Connection;
}

/** State of a connection when something last moved on it. */
interface Movement {
  readonly requests: number;
  readonly received: number;
  readonly sent: number;
  readonly unsent: number;
  readonly since: number;
  /** Since when bytes have waited to be sent and none was taken; undefined while none wait. */
  readonly stalledSince: number | undefined;
}

/** How much is read, in bytes, behind the last request of a connection while answers are under way. */
const DISCARDED = 64 * 1024;

/** One accepted connection. */
export class Connection {
  /** The socket as accepted. */
  readonly raw: Socket;
  /** Socket that HTTP uses: the accepted socket, or TLS over it. */
  socket: Socket;
  /** True until its first request: it may be silent, in a handshake, or in the middle of a head. */
  fresh = true;
  /** When it was last used, by `performance.now()`: accepted, or, as far as `keepTimes` says so, done with a response. */
  lastUseAt = performance.now();
  /** The order of that. Grows with each connection that comes and each response that ends: of idle ones the smallest has been idle longest. */
  lastUse = 0;
  /** Seen idle after so many requests, at this time by `performance.now()`. */
  idleAfter = 0;
  idleSince = 0;
  /** Bytes it had brought when its last response ended; where that was early, when the timeouts saw the rest of the body. */
  bytesBefore = 0;
  /** Its last response ended before the body of the request. */
  endedEarly = false;
  /** As the timeouts saw it. */
  movement: Movement | undefined = undefined;
  /** It was upgraded to another protocol; its handler ends it. */
  upgraded = false;
  /** How many requests it has brought. */
  requests = 0;
  /** No further request is answered here; what still arrives is discarded. */
  ended = false;
  /** Is not read from, by our choice. */
  readingStopped = false;
  #keepsStopped = false;
  /** Null for a Node that offers none. */
  #backlog: Backlog | null | undefined;
  /** How many bytes it had brought when the rest began to be of no interest. */
  #discardedFrom: number | undefined;
  /** True when its client may still be sending what is not wanted: it is closed with patience. */
  lingers = false;
  /** To be sent when the answers under way are out: what came after their requests was broken. */
  refusal: Refusal | undefined;
  /** Error of Node's parser or its timer: code that holds the socket of a request learns it by its `error`. */
  cause: Error | undefined;
  /** An answer to what was broken is being made, which is its last one. */
  refusing = false;
  /**
   * Its last request, while that or its answer is under way. Held any longer, it and all that belongs to it would outlive collections
   * of the young generation, which then take twice as long, and cost memory for each idle connection.
   */
  latest: IncomingMessage | undefined;
  /** Requests at work, oldest first: more than one when the client pipelines. */
  readonly exchanges: Exchange[] = [];

  constructor(raw: Socket) {
    this.raw = raw;
    this.socket = raw;
  }

  /** Has nothing at work. */
  get idle(): boolean {
    return this.exchanges.length === 0 && !this.upgraded && !this.waits && !this.refusing;
  }

  /** Requests that have come wait for those at work. */
  get waits(): boolean {
    return this.#backlog?.waits === true;
  }

  get discards(): boolean {
    return this.#discardedFrom !== undefined;
  }

  /** Answers are due besides that to a request whose body is on its way. */
  get waitedFor(): boolean {
    return this.exchanges.length > 1 || this.exchanges[0]?.req.complete === true;
  }

  /** Does not read from the socket, even where others want to. */
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

  /** To be called where a request has come and many are at work: those that follow wait. */
  limitAhead(): void {
    if (this.#backlog === undefined) this.#backlog = Backlog.of(this) ?? null;
    if (this.#backlog === null) this.stopReading();
    else this.#backlog.keep();
  }

  /** To be called when an answer is out. */
  goOn(): void {
    if (this.#backlog) this.#backlog.goOn();
    else if (this.readingStopped && this.exchanges.length <= 1) this.readOn();
  }

  /** Bytes that come from now on get no answer. They are read for a while, to notice when the client leaves. */
  discard(): void {
    if (this.#discardedFrom === undefined) {
      this.#discardedFrom = this.socket.bytesRead;
      this.#backlog ??= Backlog.of(this) ?? null;
      this.#backlog?.discard(() => this.discard());
    }
    if (this.socket.bytesRead - this.#discardedFrom > DISCARDED) this.stopReading();
  }

  /** If a request waits whose rest will never come, it is not begun. */
  forgetIncomplete(): void {
    this.#backlog?.forgetIncomplete();
  }

  /** Reads again, where that was stopped. */
  readOn(): void {
    if (!this.readingStopped) return;
    this.readingStopped = false;
    this.socket.resume();
  }
}

const CONNECTION: unique symbol = Symbol('portico.connection');
type Marked = { [CONNECTION]?: Connection };

/** The connection behind a socket, plain or TLS; undefined for one that no list has accepted. */
export function connectionOf(socket: object): Connection | undefined {
  return (socket as Marked)[CONNECTION];
}

/**
 * Lets one of several responses of a connection tell its events in its own async context, or in that of the connection:
 * Node flushes and ends it in the course of the one before it, and tells of a drain in the course of those behind it.
 */
function keepContext(exchange: Exchange): void {
  const { res, inContext } = exchange;
  if (inContext !== undefined) return;
  const { emit } = res;
  exchange.inContext = AsyncLocalStorage.snapshot();
  res.emit = (...args: unknown[]): boolean => exchange.inContext!(() => Reflect.apply(emit, res, args) as boolean);
}

/** Takes the async context of now, for a request that has one to keep. */
export function renewContext(exchange: Exchange): void {
  exchange.inContext = AsyncLocalStorage.snapshot();
}

/** Node tells only the response at the head of a connection's queue that it is closed. */
function tellClosed({ res }: Exchange): void {
  if (res.socket !== null || res.closed) return;
  Object.assign(res, { destroyed: true, _closed: true });
  res.emit('close');
}

/** All connections of one server. */
export class ConnectionList {
  readonly #connections = new Set<Connection>();
  readonly #exchangeEnded: (exchange: Exchange) => void;
  readonly #connectionClosed: () => void;
  readonly #onResponseClose: (this: ServerResponse) => void;
  /** State that requests find of their server. */
  readonly #server: ServerState;
  /** Keeps the time at which each response ends; it costs as much as the rest of the counting, so only for a drain. */
  keepTimes = false;
  /** `performance.now()` as it was last read: exact enough for the age of requests. */
  coarseNow = performance.now();
  /** Requests at work. */
  inFlight = 0;
  #uses = 0;

  /** `exchangeEnded`: a response is done with, sent, or its client is gone. */
  constructor(server: ServerState, exchangeEnded: (exchange: Exchange) => void, connectionClosed: () => void) {
    this.#server = server;
    this.#exchangeEnded = exchangeEnded;
    this.#connectionClosed = connectionClosed;
    const end = this.#end;
    // One function for all responses, which finds its exchange by `this`: a closure for each would cost every request.
    this.#onResponseClose = function onResponseClose(this: ServerResponse) {
      end(exchangeOf(this.req) as Exchange);
    };
  }

  /** Open connections. */
  get size(): number {
    return this.#connections.size;
  }

  [Symbol.iterator](): IterableIterator<Connection> {
    return this.#connections.values();
  }

  /** Takes a connection on, at the server's `connection` event: for TLS before the handshake, a request to come. */
  accept(raw: Socket): Connection {
    const connection = new Connection(raw);
    connection.lastUse = ++this.#uses;
    (raw as Marked)[CONNECTION] = connection;
    this.#connections.add(connection);
    raw.once('close', () => this.#forget(connection));
    return connection;
  }

  /** Notes that HTTP is spoken on `socket`, TLS over an accepted socket, from now on. */
  secured(socket: TLSSocket): Connection {
    const raw = socketUnder(socket);
    const connection = (raw && connectionOf(raw)) ?? this.accept(socket);
    connection.socket = socket;
    (socket as Marked)[CONNECTION] = connection;
    return connection;
  }

  /** Counts a request in; it counts itself out when its response closes. */
  begin(req: IncomingMessage, res: ServerResponse, connection: Connection): Exchange {
    const exchange = new AppExchange(req, res, this.#server) as Exchange;
    exchange.connection = connection;
    exchange.since = this.coarseNow;
    // Without a call, and by single characters: 80 ns, where Buffer.write would take twice that.
    const { free, heads, lengths, serials } = requestsInHand;
    const slot = free.pop();
    if (slot !== undefined) {
      const head = `${req.method} ${req.url}`;
      const at = slot * HEAD;
      let length = 0;
      for (; length < HEAD && length < head.length; length++) {
        const character = head.charCodeAt(length);
        // The query, which may hold secrets.
        if (character === 63) break;
        heads[at + length] = character;
      }
      lengths[slot] = length;
      requestsInHand.serial = (requestsInHand.serial + 1) & 0x7fffffff || 1;
      serials[slot] = requestsInHand.serial;
      exchange.hand = slot;
    }
    if (connection.exchanges.length > 0) {
      if (connection.exchanges.length === 1) keepContext(connection.exchanges[0]!);
      keepContext(exchange);
    }
    connection.fresh = false;
    connection.requests++;
    connection.latest = req;
    connection.exchanges.push(exchange);
    this.inFlight++;
    res.on('close', this.#onResponseClose);
    return exchange;
  }

  readonly #end = (exchange: Exchange): void => {
    const { connection, req } = exchange;
    const { exchanges } = connection;
    if (req.complete && connection.latest === req) connection.latest = undefined;
    // Not shift for the only one: the list would be allocated anew for the next request.
    if (exchanges.length === 1 && exchanges[0] === exchange) exchanges.pop();
    else if (exchanges[0] === exchange) exchanges.shift();
    else if (exchanges.includes(exchange)) exchanges.splice(exchanges.indexOf(exchange), 1);
    else return;
    connection.lastUse = ++this.#uses;
    if (this.keepTimes) connection.lastUseAt = performance.now();
    this.inFlight--;
    if (exchange.hand !== -1) {
      requestsInHand.serials[exchange.hand] = 0;
      requestsInHand.free.push(exchange.hand);
    }
    this.#exchangeEnded(exchange);
  };

  /** Node closes only the response at the head of a connection's queue: those pipelined behind it end here. */
  #forget(connection: Connection): void {
    if (!this.#connections.delete(connection)) return;
    for (const exchange of connection.exchanges.slice()) {
      this.#end(exchange);
      tellClosed(exchange);
    }
    this.#connectionClosed();
  }
}
