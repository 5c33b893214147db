/**
 * Path of a request from the socket to the app: count, check, run, complete.
 */
import { readFileSync } from 'node:fs';
import {
  createServer as createHttpServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import type { TLSSocket, TlsOptions } from 'node:tls';
import { type App, compose, Fault, type Filter } from '../app/index.js';
import {
  abortResponse,
  answerFailure,
  answering,
  catching,
  exchangeOf,
  type FailureOptions,
  ServedRequest,
  ServedResponse,
  type ServerState,
  shareState,
} from '../app/internal.js';
import { ignoreErrors } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import { Throttle } from '../log/internal.js';
import { advertiseIdleTime, joinChunks } from '../wire/index.js';
import { BrokenConnections, type Refuse, TOO_LARGE, TOO_SLOW } from './connections/broken-connections.js';
import type { Connection, Exchange } from './connections/connection.js';
import { ConnectionTimeouts, type TimeLimit } from './connections/connection-limits.js';
import { type ConnectionReport, connectionReport, descriptorWatch } from './connections/connection-report.js';
import { ConnectionList, connectionOf } from './connections/connections.js';
import { tellUnanswered, tellUnrefused } from './connections/cut-off.js';
import { type Refusal, Rejections, refusal } from './connections/refusal.js';
import { requestFacts } from './connections/request-facts.js';
import { isUpgradable, Upgrades } from './connections/upgrades.js';
import { announceUnread, SMALL_BODY, watchBody, watchChunks } from './requests/body-progress.js';
import { requestGuard } from './requests/request-guard.js';
import { RequestPool } from './requests/request-pool.js';
import {
  advertisedKeepAlive,
  handshakeTimeout,
  lastRequest,
  nodeOptions,
  type ServerLimits,
} from './server-options.js';

/** The server of a front. */
export interface FrontOwner {
  /** Called when a response is complete. */
  readonly exchangeEnded: (exchange: Exchange) => void;
  /** Called when a connection is closed. */
  readonly connectionClosed: () => void;
}

const NO_EXPECTATION = refusal(417, 'expectation', 'The expectation cannot be met.');

/** The client's `Expect`: none, `100-continue`, or another one. */
type Expectation = 'none' | 'continue' | 'unknown';

/**
 * Reports whether a client over TCP has left already. Reading its address makes Node keep it: after a reset the system does not know it any
 * more, and the request would seem to come from a local process.
 */
function isReset({ remoteAddress, localAddress }: Socket): boolean {
  return remoteAddress === undefined && localAddress !== undefined;
}

/** Returns the expectation of a request with `Upgrade`, or with one for which Node has no event. An empty list expects nothing. */
function expectationOf({ headers: { expect = '' } }: IncomingMessage): Expectation {
  if (/^[\s,]*$/.test(expect)) return 'none';
  return /^100-continue$/i.test(expect) ? 'continue' : 'unknown';
}

/** Connections and requests of one server. */
export class Front {
  readonly connections: ConnectionList;
  /** State that its requests can read. */
  readonly state: ServerState = {};
  readonly pool: RequestPool;
  readonly rejections: Rejections;
  readonly upgrades: Upgrades;
  /** Runs a request, and responds where it fails. */
  app!: App;
  /** Responds to requests that do not reach the app. */
  refusals!: Refusals;
  /** True: later connections end with their first response. */
  #closing = false;
  #limits: ServerLimits;
  #guard!: ReturnType<typeof requestGuard>;
  #lastRequest!: number;
  #advertised!: number;
  #server: HttpServer | undefined;
  readonly #owner: FrontOwner;
  readonly #broken: BrokenConnections;
  readonly #acceptFailed = new Throttle(10_000);
  readonly #connectionLimit: ConnectionLimit;
  readonly #timeouts: ConnectionTimeouts;
  readonly #log: Logger;

  constructor(limits: ServerLimits, owner: FrontOwner, log: Logger) {
    this.#limits = limits;
    this.#owner = owner;
    this.#log = log;
    this.rejections = new Rejections(log);
    this.upgrades = new Upgrades(this.state, log);
    this.connections = new ConnectionList(this.state, this.#exchangeEnded, owner.connectionClosed);
    this.pool = new RequestPool(limits, this.connections, this.rejections, log);
    // `withSlot`, around the innermost app, reads it.
    this.state.slots = this.pool;
    this.state.failed = (err, req, what) => log.error({ ...requestFacts(req), err }, what);
    this.#broken = new BrokenConnections(this.rejections, (...refused) => this.refusals.refuse(...refused));
    this.#connectionLimit = new ConnectionLimit(this.connections, limits.maxConnections, this.rejections, log);
    this.#timeouts = new ConnectionTimeouts(this.connections, limits, {
      exceeded: (connection, limit) => this.#within(connection.socket, () => this.#timeOut(connection, limit)),
      secondPassed: () => {
        this.rejections.sum();
        this.pool.secondPassed();
        const isMissing = descriptorWatch.look(log);
        if (isMissing) this.rejections.count('no descriptor');
        return isMissing || this.pool.alone.length > 0;
      },
    });
  }

  /** Sets the limits for later connections and requests. */
  configure(limits: ServerLimits): void {
    this.#limits = limits;
    this.#guard = requestGuard(limits);
    this.state.pathsAsSent = limits.paths === 'as_sent';
    this.#lastRequest = lastRequest(limits);
    this.#advertised = advertisedKeepAlive(limits);
    this.pool.limits = limits;
    this.pool.letIn();
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
    server.on('error', (err) => {
      this.#acceptFailed.tell((count) => this.#log.warn({ err, count }, 'connections could not be accepted'));
    });
    const on = <Rest extends unknown[]>(event: string, act: (socket: Socket, ...rest: Rest) => void): unknown =>
      server.on(event, (socket: Socket, ...rest: Rest) => this.#within(socket, () => act(socket, ...rest)));
    on('connection', (raw) => {
      // One whose upgrade no app took comes again.
      if (connectionOf(raw) !== undefined) return;
      this.#connectionLimit.enforce(this.connections.accept(raw));
      if (isReset(raw)) raw.destroy();
    });
    /** The event of Node's server with which HTTP begins on a connection. */
    const begun = tls === undefined ? 'connection' : 'secureConnection';
    if (tls !== undefined)
      on('secureConnection', (socket) => {
        this.connections.secured(socket as TLSSocket);
        if (isReset(socket)) socket.destroy();
      });
    const readAgain = (socket: Socket): unknown => server.emit(begun, socket);
    // After Node's own listener, which creates the parser.
    on(begun, (socket) => {
      const connection = connectionOf(socket)!;
      connection.readAgain = readAgain;
      connection.askFirst(isUpgradable);
      if (this.#closing) connection.announceClose();
    });
    server.on('request', this.#request);
    server.on('checkContinue', (req, res) => this.#request(req, res, 'continue'));
    server.on('checkExpectation', (req, res) => this.#request(req, res, expectationOf(req)));
    server.on('clientError', (error, socket) => {
      this.connections.wake();
      this.#within(socket as Socket, () => this.#broken.clientError(error, socket as Socket));
    });
    // As any request; its app may take the connection.
    server.on('upgrade', (req, socket, head) => {
      this.#within(socket as Socket, () => {
        this.#request(req, this.upgrades.answerTo(req, connectionOf(socket)!, head), expectationOf(req));
      });
    });
    this.#server = server;
    return server;
  }

  /**
   * Retires a server whose socket another one has taken over. Its connections close with their next response, or when they are idle for too
   * long; the server ends with the last of them.
   */
  retire(server: HttpServer): void {
    for (const connection of this.connections) connection.announceClose();
    // Ends its checks of time limits.
    server.once('close', () => server.close());
    // Its own close destroys idle connections.
    NetServer.prototype.close.call(server);
  }

  /** Starts the checks of time limits. */
  open(): void {
    this.#closing = false;
    this.upgrades.begin();
    this.#timeouts.start();
  }

  /** Stops the checks: all connections are closed. */
  close(): void {
    this.#timeouts.stop();
    this.upgrades.close();
    this.#server = undefined;
  }

  /** Announces to all clients that their connections end with the responses in progress. */
  announceClose(): void {
    this.#closing = true;
    for (const connection of this.connections) connection.announceClose();
  }

  /** `inTurn`: the connection begins it, after those before it. */
  readonly #request = (
    req: IncomingMessage,
    res: ServerResponse,
    expects: Expectation = 'none',
    inTurn = false,
  ): void => {
    const connection = connectionOf(req.socket)!;
    try {
      if (!inTurn && (connection.exchange !== undefined || connection.waiting !== undefined)) {
        // The last response will announce the end of the connection.
        const before = connection.exchange?.res;
        if (connection.leaving && before?.headersSent === false) before.shouldKeepAlive = true;
        connection.wait(req, () => this.#request(req, res, expects, true));
        return;
      }
      advertiseIdleTime(res, this.#advertised);
      const exchange = this.connections.begin(req, res, connection);
      const refused = this.#guard(exchange) ?? (expects === 'unknown' ? NO_EXPECTATION : undefined);
      if (refused !== undefined) {
        this.#refuseRequest(exchange, refused);
        return;
      }
      if (exchange.bodyLength !== 0) {
        watchBody(exchange, expects === 'continue');
        if (exchange.bodyLength < 0) {
          joinChunks(req);
          this.#watchChunks(exchange);
        }
        if (exchange.bodyLength > SMALL_BODY) announceUnread(exchange, exchange.bodyLength);
      } else if (expects === 'continue') res.writeContinue();
      // Connections that were opened together, after a restart, are not opened anew together.
      const last = connection.requests >= this.#lastRequest - connection.place * (this.#lastRequest >> 7);
      if (last) connection.move('end');
      const isOnly = connection.waiting === undefined;
      const announces = last || (isOnly && (connection.leaving || connection.state === 'last'));
      res.shouldKeepAlive = res.shouldKeepAlive && !announces;
      if (req.url === '*') void this.refusals.answerOptions(req, res);
      else void this.app(req, res);
    } catch (error) {
      this.#broke(connection.socket, error);
    }
  };

  #watchChunks(exchange: Exchange): void {
    const { ofConnection: connection, req } = exchange;
    // After a discarded body, the start of this one is unknown: it was no later than here.
    const before = connection.endedEarly ? req.socket.bytesRead : connection.bytesBefore;
    watchChunks(exchange, before, () => {
      this.rejections.note('chunk extensions', req.socket, { req });
      if (!req.socket.destroyed) this.#broken.refuse(connection, TOO_LARGE);
    });
  }

  #timeOut(connection: Connection, limit: TimeLimit): void {
    const { socket, exchange } = connection;
    if (limit === 'idle' || limit === 'lingering') {
      this.rejections.countClosed(limit);
      tellUnrefused(connection, this.#log);
      socket.destroy(connection.cause);
      return;
    }
    this.rejections.note(limit, socket, { req: exchange?.req });
    if (limit === 'body too slow') {
      this.#broken.refuse(connection, TOO_SLOW);
      return;
    }
    if (exchange !== undefined) {
      if (limit === 'connection silent') tellUnanswered(exchange, this.#log);
      // As for one that does not send: the client was too slow.
      abortResponse(
        exchange.res,
        limit === 'connection silent' ? new Error(limit) : new Fault(408, { message: limit }),
      );
    }
    socket.destroy();
  }

  #refuseRequest(exchange: Exchange, refused: Refusal): void {
    const { ofConnection: connection, req, res } = exchange;
    connection.end();
    this.refusals.refuse(req, res, refused);
    this.rejections.note(refused.why, req.socket, { detail: refused.reason, req });
  }

  readonly #exchangeEnded = (exchange: Exchange): void => {
    const { ofConnection: connection, req } = exchange;
    const { socket, state, waiting } = connection;
    try {
      if (exchange.poolSlot !== 'returned') this.pool.leave(exchange);
      if (!socket.destroyed && state !== 'upgraded') {
        // A timeout that the application sets for one request applies to its socket, and so to the next request.
        if (socket.timeout) socket.setTimeout(0);
        connection.bytesBefore = socket.bytesRead;
        connection.endedEarly = !req.complete;
        if (waiting !== undefined && state !== 'lingering') connection.beginNext();
        else if (state === 'refused') this.#broken.answer(connection);
        // Nothing can read a body that was left early. `watchBody` lets the parser discard the rest of others.
        else if (state === 'last' || (state === 'open' && req.destroyed && connection.endedEarly)) connection.linger();
        else if (state === 'open' && connection.readingStopped) connection.readOn();
      }
    } catch (error) {
      this.#broke(socket, error);
    }
    this.#owner.exchangeEnded(exchange);
  };

  /** Runs a part of an event of Node's server. An error of it ends this connection, and not the process. */
  #within(socket: Socket, act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#broke(socket, error);
    }
  }

  #broke(socket: Socket, err: unknown): void {
    ignoreErrors(() =>
      this.#log.error({ err }, 'a connection was closed, because the server failed to handle its input'),
    );
    socket.destroy();
  }
}

// The limit of the number of connections.

/** Descriptors reserved for other uses: files, databases, other listeners. */
const RESERVED = 64;

const LOWERED =
  'max_connections is lowered, because the process may open too few files: raise LimitNOFILE (ulimit -n), or set [wsgi] max_connections';

/** Time without a request after which none is expected to be on its way, in milliseconds. */
const QUIET_MS = 1000;

/**
 * Limits the number of connections. Beyond the limit, a new connection replaces one without a request in progress: the one that is idle for
 * longest, if for a second or more; else the oldest that has sent nothing yet; else the one that is idle for longest. So a burst of
 * connections closes none whose client sends one request after the other. If all have requests in progress, the new one is closed.
 */
class ConnectionLimit {
  readonly #connections: ConnectionList;
  readonly #descriptors = Math.max(1, descriptorLimit() - RESERVED);
  #limit = 0;
  readonly #closed = new Throttle(10_000);
  readonly #rejections: Rejections;
  readonly #log: Logger;

  /** `limit` 0: only the process's limit of descriptors applies. */
  constructor(connections: ConnectionList, limit: number, rejections: Rejections, log: Logger) {
    this.#connections = connections;
    this.#rejections = rejections;
    this.#log = log;
    this.limit = limit;
  }

  /** Sets the limit for connections from now on. */
  set limit(limit: number) {
    const lowered = Math.min(limit || Number.POSITIVE_INFINITY, this.#descriptors);
    if (lowered < limit && lowered !== this.#limit)
      this.#log.warn({ configured: limit, max_connections: lowered }, LOWERED);
    this.#limit = lowered;
  }

  get limit(): number {
    return this.#limit;
  }

  /** Called with each connection after it was added to the list; closes one if there are too many. */
  enforce(fresh: Connection): void {
    if (this.#connections.size <= this.#limit) return;
    const oldest: Partial<Record<'quiet' | 'unused' | 'used', Connection>> = {};
    for (const connection of this.#connections) {
      if (connection === fresh || !connection.idle || connection.socket.destroyed) continue;
      // Part of headers counts as a use.
      const isUnused = connection.requests === 0 && connection.socket.bytesRead === 0;
      const kind = this.#isQuiet(connection) ? 'quiet' : isUnused ? 'unused' : 'used';
      if (oldest[kind] === undefined || connection.lastUse < oldest[kind].lastUse) oldest[kind] = connection;
    }
    (oldest.quiet ?? oldest.unused ?? oldest.used ?? fresh).socket.destroy();
    this.#rejections.countClosed('too many connections');
    this.#closed.tell((count) => {
      this.#log.warn({ max_connections: this.#limit, count }, 'too many connections: some were closed');
    });
  }

  /** An unused connection is quiet from its start on, a used one from when the timeouts have seen it idle. */
  #isQuiet({ requests, lastUseAt, idleAfter, idleSince }: Connection): boolean {
    const since = requests === 0 ? lastUseAt : idleAfter === requests ? idleSince : undefined;
    return since !== undefined && this.#connections.coarseNow - since >= QUIET_MS;
  }
}

/** Returns the process's limit of open descriptors; unknown outside Linux. */
function descriptorLimit(): number {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

// Responses to requests that do not reach the app: those that the server refuses, and `OPTIONS *`. Only filters that name a request or add
// headers see them.

/** Responses that never throw. */
interface Refusals {
  /** Responds to a refused request in the API's format. A failing filter is logged, and the refusal does not change. */
  readonly refuse: Refuse;
  /** Responds to `OPTIONS *`, a question about the server itself. It has no `Allow`, because methods belong to paths. */
  readonly answerOptions: App;
}

/** Makes the responses behind these filters, outermost first. */
export function aroundRefusals(filters: readonly Filter[], failures: FailureOptions): Refusals {
  const refusals = new WeakMap<IncomingMessage, Fault>();
  const refuse: App = (req) => {
    throw refusals.get(req)!;
  };
  const app = catching(compose(filters, refuse), (error, req, res) => {
    const refusal = refusals.get(req)!;
    if (error !== refusal)
      failures.log.error({ ...failures.facts(req, res), err: error }, 'a filter around a refusal failed');
    answerFailure(refusal, req, res, { ...failures, faultOf: () => refusal });
  });
  const about: App = (_req, res) => void res.writeHead(204).end();
  return {
    refuse: (req: IncomingMessage, res: ServerResponse, { status, reason }: Refusal): void => {
      refusals.set(req, new Fault(status, { message: reason }));
      exchangeOf(req).refusalLine ??= req.url === '' ? 'none' : 'due';
      res.setHeader('connection', 'close');
      void app(req, res);
    },
    answerOptions: answering(compose(filters, about), failures),
  };
}
