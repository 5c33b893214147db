/**
 * The connections of a server, and the request in progress on each.
 *
 * Node's own server does not track connections that have sent nothing or half of the headers, and destroys idle ones although a
 * request may be on its way; so a server that drains without losses keeps this list itself.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { Exchange as AppExchange, EXCHANGE, type ServedResponse, type ServerState } from '../../app/internal.js';
import { HEAD, requestsInHand } from '../../process/index.js';
import { failBody, socketUnder } from '../../wire/index.js';
import { Connection, type Exchange } from './connection.js';

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
  /** True while nothing reads {@link coarseNow} anew, because there are no requests: the next one calls {@link woken}. */
  atRest = false;
  woken: () => void = () => undefined;
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

  /** Number that grows with each accepted connection and each response that has ended. */
  get uses(): number {
    return this.#uses;
  }

  /** Ends the rest. */
  wake(): void {
    if (this.atRest) this.woken();
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
    if (this.atRest) this.woken();
    const connection = new Connection(raw);
    connection.lastUse = ++this.#uses;
    connection.place = this.#accepted++ & 15;
    connection.closePatiently();
    (raw as Marked)[CONNECTION] = connection;
    this.#connections.add(connection);
    raw.once('close', () => this.#forget(connection));
    return connection;
  }

  /** Records that HTTP uses `socket`, TLS over an accepted socket, from now on. */
  secured(socket: TLSSocket): void {
    const raw = socketUnder(socket);
    const connection = (raw && connectionOf(raw)) ?? this.accept(socket);
    connection.socket = socket;
    (socket as Marked)[CONNECTION] = connection;
    connection.closePatiently();
  }

  /** Counts a request; it is removed when its response closes. */
  begin(req: IncomingMessage, res: ServerResponse, connection: Connection): Exchange {
    if (this.atRest) this.woken();
    if (requestsInHand.atRest) requestsInHand.woken();
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
    else if (connection.latest !== undefined) failBody(connection.latest);
    this.#connectionClosed();
  }
}
