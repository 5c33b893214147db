/**
 * Path of a request from the socket to the app: count, check, run, complete.
 */
import {
  createServer as createHttpServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { Socket } from 'node:net';
import type { TLSSocket, TlsOptions } from 'node:tls';
import { type App, environ } from '../app/index.js';
import { abortResponse, ServedRequest, ServedResponse, type ServerState, shareState } from '../app/internal.js';
import type { Logger } from '../log/index.js';
import { Throttle } from '../log/internal.js';
import { advertiseIdleTime, asksBeforeUpgrade, chooseUpgrades, isLastAnswer, joinChunks } from '../wire/index.js';
import { BrokenConnections, type Refuse, TOO_LARGE, TOO_SLOW } from './connections/broken-connections.js';
import { ConnectionLimit, ConnectionTimeouts, type TimeLimit } from './connections/connection-limits.js';
import { type ConnectionReport, connectionReport } from './connections/connection-report.js';
import { type Connection, ConnectionList, connectionOf, type Exchange } from './connections/connections.js';
import { descriptorWatch } from './connections/descriptor-watch.js';
import { announceClose } from './connections/drain.js';
import { closeLingering } from './connections/lingering-close.js';
import { type Refusal, Rejections, refusal } from './connections/refusal.js';
import { requestFacts } from './connections/request-facts.js';
import { isUpgradable, Upgrades } from './connections/upgrades.js';
import { announceUnread, SMALL_BODY, watchBody, watchChunks } from './requests/body-progress.js';
import { requestGuard } from './requests/request-guard.js';
import { RequestPool } from './requests/request-pool.js';
import { advertisedKeepAlive, handshakeTimeout, lastRequest, nodeOptions } from './server-options.js';
import type { WsgiOptions } from './wsgi-options.js';

/** The server of a front. */
export interface FrontOwner {
  /** Answers a request that does not reach the app. */
  readonly refuse: Refuse;
  /** Called when a response is complete. */
  readonly exchangeEnded: (exchange: Exchange) => void;
  /** Called when a connection is closed. */
  readonly connectionClosed: () => void;
}

const UNANSWERED = 'the app gave no answer within client_socket_timeout: the connection is closed';

const NO_EXPECTATION = refusal(417, 'expectation', 'The expectation cannot be met.');

/** Connections and requests of one server. */
export class Front {
  readonly connections: ConnectionList;
  /** State that its requests can read. */
  readonly state: ServerState = {};
  readonly pool: RequestPool;
  readonly rejections: Rejections;
  readonly upgrades = new Upgrades(this.state);
  /** Runs a request, and answers where it fails. */
  app!: App;
  /** True: every response announces the end of its connection. */
  closing = false;
  #limits: WsgiOptions;
  #guard: ReturnType<typeof requestGuard>;
  #lastRequest: number;
  #advertised: number;
  #server: HttpServer | undefined;
  readonly #owner: FrontOwner;
  readonly #broken: BrokenConnections;
  readonly #acceptFailed = new Throttle(10_000);
  readonly #connectionLimit: ConnectionLimit;
  readonly #timeouts: ConnectionTimeouts;
  readonly #log: Logger;

  constructor(limits: WsgiOptions, owner: FrontOwner, log: Logger) {
    this.#limits = limits;
    this.#guard = requestGuard(limits);
    this.#owner = owner;
    this.#log = log;
    this.#lastRequest = lastRequest(limits);
    this.#advertised = advertisedKeepAlive(limits);
    this.rejections = new Rejections(log);
    this.connections = new ConnectionList(this.state, this.#exchangeEnded, owner.connectionClosed);
    this.pool = new RequestPool(limits, this.connections, (reason, req) => this.rejections.note(reason, req.socket));
    // `withSlot`, around the innermost app, reads it.
    this.state.slots = this.pool;
    this.state.listenerFailed = (err, req) =>
      log.error({ ...requestFacts(req), err }, 'a listener of afterResponse failed');
    this.#broken = new BrokenConnections(this.rejections, owner.refuse);
    this.#connectionLimit = new ConnectionLimit(this.connections, limits.maxConnections, this.rejections, log);
    this.#timeouts = new ConnectionTimeouts(this.connections, limits, {
      exceeded: (connection, limit) => this.#timeOut(connection, limit),
      secondPassed: () => {
        this.rejections.sum();
        if (descriptorWatch.look(log)) this.rejections.count('no descriptor');
      },
    });
  }

  /** Sets the limits for later connections and requests. */
  configure(limits: WsgiOptions): void {
    this.#limits = limits;
    this.#guard = requestGuard(limits);
    this.#lastRequest = lastRequest(limits);
    this.#advertised = advertisedKeepAlive(limits);
    this.pool.limits = limits;
    this.#connectionLimit.limit = limits.maxConnections;
    this.#timeouts.limits = limits;
    const { requestTimeout, headersTimeout, maxHeaderSize } = nodeOptions(limits);
    if (this.#server !== undefined) Object.assign(this.#server, { requestTimeout, headersTimeout, maxHeaderSize });
  }

  /** Describes its connections. */
  get report(): ConnectionReport {
    return connectionReport(this.connections, this.#connectionLimit.limit, this.rejections.closed);
  }

  /** Creates Node's server with these limits, not listening yet. */
  async createServer(tls: TlsOptions | undefined): Promise<HttpServer> {
    const options = {
      ...nodeOptions(this.#limits),
      shouldUpgradeCallback: isUpgradable,
      // Its types only know Node's classes.
      IncomingMessage: ServedRequest as typeof IncomingMessage,
      ServerResponse: ServedResponse as typeof ServerResponse,
    };
    const server =
      tls === undefined
        ? createHttpServer(options)
        : (await import('node:https')).createServer({
            ...options,
            handshakeTimeout: handshakeTimeout(this.#limits),
            ...tls,
          });
    // 0 means no limit: beyond a limit Node would silently drop fields, and the guard could not count them.
    server.maxHeadersCount = 0;
    shareState(server, this.state);
    server.on('connection', (raw: Socket) => {
      const connection = this.connections.accept(raw);
      this.#closePatiently(connection);
      this.#connectionLimit.enforce(connection);
    });
    server.on('error', (err) => {
      this.#acceptFailed.tell((count) => this.#log.warn({ err, count }, 'connections could not be accepted'));
    });
    if (tls !== undefined) {
      server.prependListener('secureConnection', (socket: TLSSocket) => {
        // Node handles lists of headers: under TLS that is cheaper, by a fifth of a request.
        this.#closePatiently(this.connections.secured(socket));
      });
    }
    // After Node's own listener, which creates the parser.
    const begun = tls === undefined ? 'connection' : 'secureConnection';
    if (!asksBeforeUpgrade) server.on(begun, (socket: Socket) => chooseUpgrades(socket, isUpgradable));
    server.on('request', this.#request);
    server.on('checkContinue', (req, res) => this.#request(req, res, true));
    server.on('checkExpectation', (req, res) => this.#expectation(req, res));
    server.on('clientError', (error, socket) => this.#broken.clientError(error, socket as Socket));
    server.on('connect', (req, socket) => this.#broken.connect(req, socket as Socket));
    server.on('upgrade', (req, socket, head) => this.#upgrade(req, socket as Socket, head));
    this.#server = server;
    return server;
  }

  /** Starts the checks of time limits. */
  open(): void {
    this.closing = false;
    this.upgrades.begin();
    this.#timeouts.start();
  }

  /** Stops the checks: all connections are closed. */
  close(): void {
    this.#timeouts.stop();
    this.#server = undefined;
  }

  /** Announces to all clients that their connections end with the responses in progress. */
  announceClose(): void {
    this.closing = true;
    this.upgrades.end();
    for (const connection of this.connections) announceClose(connection);
  }

  /** `inTurn`: the connection begins it, after those before it. */
  readonly #request = (req: IncomingMessage, res: ServerResponse, expectsContinue = false, inTurn = false): void => {
    const connection = connectionOf(req.socket)!;
    if (!inTurn && (connection.exchange !== undefined || connection.ended || connection.waiting !== undefined)) {
      this.#later(connection, req, () => this.#request(req, res, expectsContinue, true));
      return;
    }
    advertiseIdleTime(res, this.#advertised);
    const exchange = this.connections.begin(req, res, connection);
    const refused = this.#guard(exchange);
    if (refused !== undefined) {
      this.#refuseRequest(exchange, refused);
      return;
    }
    if (exchange.bodyLength !== 0) {
      watchBody(exchange, expectsContinue);
      if (exchange.bodyLength < 0) {
        joinChunks(req);
        this.#watchChunks(exchange);
      }
      if (exchange.bodyLength > SMALL_BODY) announceUnread(exchange, exchange.bodyLength);
    }
    // Connections that were opened together, after a restart, are not opened anew together.
    const last =
      exchange.asksUpgrade || connection.requests >= this.#lastRequest - connection.place * (this.#lastRequest >> 7);
    // Without a branch that only the last request takes: V8 would discard the code of all.
    connection.ended = connection.ended || last;
    res.shouldKeepAlive = res.shouldKeepAlive && !last && !(this.closing && connection.waiting === undefined);
    if (req.url === '*') {
      // It is OPTIONS: a question about the server itself.
      res.writeHead(204).end();
      return;
    }
    void this.app(req, res);
  };

  /** As any request; its app may take the connection. */
  #upgrade(req: IncomingMessage, socket: Socket, head: Buffer): void {
    const connection = connectionOf(socket)!;
    this.#request(req, this.upgrades.answerTo(req, connection, head), false);
  }

  #watchChunks(exchange: Exchange): void {
    const { ofConnection: connection, req } = exchange;
    // After a discarded body, the start of this one is unknown: it was no later than here.
    const before = connection.endedEarly ? req.socket.bytesRead : connection.bytesBefore;
    watchChunks(exchange, before, () => {
      this.rejections.note('chunk extensions', req.socket);
      if (!req.socket.destroyed) this.#broken.refuse(connection, TOO_LARGE);
    });
  }

  /** Lets a request wait for those before it; discards it if a response to it would not be sent, because one of theirs ends the connection. */
  #later(connection: Connection, req: IncomingMessage, begin: () => void): void {
    const before = connection.exchange?.res;
    if (before?.headersSent === true && isLastAnswer(before)) connection.ended = true;
    if (connection.ended) {
      connection.lingers = true;
      req.resume();
      connection.discard();
      return;
    }
    // The last response will announce the end of the connection.
    if (this.closing && before?.headersSent === false) before.shouldKeepAlive = true;
    connection.wait(req, begin);
  }

  #timeOut(connection: Connection, limit: TimeLimit): void {
    const { socket, exchange } = connection;
    if (limit === 'idle' || limit === 'lingering') {
      this.rejections.countClosed(limit);
      socket.destroy(connection.cause);
      return;
    }
    this.rejections.note(limit, socket);
    if (limit === 'body too slow') {
      this.#broken.refuse(connection, TOO_SLOW);
      return;
    }
    if (exchange !== undefined) {
      const { req, res, poolSlot: slot } = exchange;
      // The app never answers: a promise that never settles, or a filter without return.
      if (limit === 'connection silent' && req.complete && !res.headersSent && slot !== 'none') {
        const { route } = environ(req);
        this.#log.error({ ...requestFacts(req), ...(route !== undefined && { route: route.template }) }, UNANSWERED);
      }
      abortResponse(res, new Error(limit));
    }
    socket.destroy();
  }

  #refuseRequest(exchange: Exchange, refused: Refusal): void {
    const { ofConnection: connection, req, res } = exchange;
    connection.ended = true;
    connection.lingers = true;
    this.#owner.refuse(req, res, refused);
    this.rejections.note(refused.why, req.socket, refused.reason, exchange.requestId);
  }

  #expectation(req: IncomingMessage, res: ServerResponse): void {
    const connection = connectionOf(req.socket)!;
    const refuse = (): void => this.#refuseRequest(this.connections.begin(req, res, connection), NO_EXPECTATION);
    if (connection.idle && !connection.ended) refuse();
    else this.#later(connection, req, refuse);
  }

  readonly #exchangeEnded = (exchange: Exchange): void => {
    const { ofConnection: connection, req } = exchange;
    this.pool.leave(exchange);
    if (!connection.socket.destroyed && !connection.upgraded) {
      // A timeout that the application sets for one request applies to its socket, and so to the next request.
      if (connection.socket.timeout) connection.socket.setTimeout(0);
      connection.bytesBefore = connection.socket.bytesRead;
      connection.endedEarly = !req.complete;
      const isOpen = !connection.socket.writableEnded;
      // The parser has refused the input after the request.
      if (connection.refusal !== undefined) this.#broken.answerEnded(connection);
      // It was the last response.
      else if (connection.ended && !connection.refusing && isOpen) closeLingering(connection);
      // Nothing can read a body that was left early. `watchBody` lets the parser discard the rest of others.
      else if (req.destroyed && connection.endedEarly && isOpen) closeLingering(connection);
      // The next request may come.
      else if (!connection.ended && (connection.readingStopped || connection.waiting !== undefined)) connection.goOn();
    }
    this.#owner.exchangeEnded(exchange);
  };

  /** Node closes a connection after its last response by this method. */
  #closePatiently(connection: Connection): void {
    const { socket } = connection;
    socket.destroySoon = () => {
      if (connection.lingers || connection.waiting !== undefined || connection.latest?.complete === false)
        closeLingering(connection);
      else Socket.prototype.destroySoon.call(socket);
    };
  }
}
