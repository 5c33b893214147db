/** Server: one app on one address. It can be launched directly, and does not depend on loaders, files or processes. */
import type { Server as HttpServer } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import { Server as NetServer } from 'node:net';
import { type TlsOptions, Server as TlsServer } from 'node:tls';
import type { App } from '../app/index.js';
import { answering, type FailureOptions, faultFormFrom, isSent, takeScheme, withSlot } from '../app/internal.js';
import type { NotedRefusals } from '../counts/index.js';
import type { Logger } from '../log/index.js';
import type { ListenAddress, ListeningService, ListenSocket, StopOptions } from '../service/index.js';
import { SpanMaker } from '../spans/internal.js';
import type { Limit } from '../tasks/index.js';
import { type Deferred, deferred, within } from '../tasks/internal.js';
import type { Connection, Exchange } from './connections/connection.js';
import type { ConnectionReport } from './connections/connection-report.js';
import {
  closed,
  cutOff,
  cutOffError,
  cutOffFacts,
  describeExchange,
  type RequestInFlight,
  tellBroken,
} from './connections/cut-off.js';
import { Drain } from './connections/drain.js';
import { Endpoint } from './endpoint.js';
import { aroundRefusals, Front } from './front.js';
import { RequestFailures, serverFailures } from './requests/server-failures.js';
import {
  limitsOf,
  listenAddress,
  type ServerLimits,
  type ServerOptions,
  schemeField,
  serverLog,
} from './server-options.js';
import { withRequestSpans } from './spans/request-span.js';

/** Serves one app on one address, and keeps track of its connections and open requests. */
export class Server implements ListeningService {
  readonly name: string;
  #options: ServerOptions;
  #limits: ServerLimits;
  readonly #log: Logger;
  /** Failed requests, counted by route and location. */
  readonly failures = new RequestFailures();
  readonly #front: Front;
  #tls: TlsOptions | undefined;
  #app: App;
  #spans: SpanMaker | undefined;
  readonly #endpoint: Endpoint;
  #http: HttpServer | HttpsServer | undefined;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #terms: StopTerms | undefined;
  #answered = 0;
  #cutOffRequests = 0;
  #exhaustedAt = 0;
  #failures!: FailureOptions;
  #drain: Drain | undefined;
  #ended: Deferred<void> | undefined;
  /** A stop for a reload, until the start after it: the end of its requests, and whatever waits for the start. */
  #pause: { readonly ended: Promise<void>; readonly over: Deferred<void> } | undefined;
  /** True from a stop for a reload on: the next start makes another server of Node, for connections from then on. */
  #isStale = false;
  /** Requests that a stop for a reload waits for, or has waited for. */
  readonly #earlier = new WeakSet<Exchange>();

  /** Opens nothing. Throws a RangeError for an option out of its range. */
  constructor(name: string, app: App, options: ServerOptions = {}) {
    this.name = name;
    this.#app = withSlot(app);
    this.#tls = options.tls;
    this.#endpoint = new Endpoint(listenAddress(options));
    this.#log = serverLog(options.log).child({ service: name });
    this.#options = options;
    this.#limits = limitsOf(options);
    const connectionClosed = (): void => this.#drain?.closed();
    this.#front = new Front(this.#limits, { exchangeEnded: this.#exchangeEnded, connectionClosed }, this.#log);
    this.configure(options);
  }

  /** Its present or future address; after the start with the actual port. */
  get addresses(): readonly ListenAddress[] {
    return [this.#endpoint.address];
  }

  /** Requests in progress, oldest first, including queued ones. */
  get requests(): readonly RequestInFlight[] {
    return this.#requests;
  }

  /** Requests whose app is still at work, and counts towards the concurrency limit, although their response has closed. */
  get abandoned(): readonly RequestInFlight[] {
    return this.#front.pool.alone;
  }

  /** Requests in progress since before the last stop for a reload. */
  get leftRequests(): readonly RequestInFlight[] {
    return this.#requests.filter((exchange) => this.#earlier.has(exchange));
  }

  get #requests(): readonly Exchange[] {
    return [...this.#front.connections].flatMap(({ exchange }) => exchange ?? []).sort((a, b) => a.since - b.since);
  }

  /** Describes its open connections, and counts those that it has closed. */
  get connections(): ConnectionReport {
    return this.#front.report;
  }

  /** True from its start to the end of a stop, also while a stop for a reload lasts. */
  get isListening(): boolean {
    return this.#http !== undefined;
  }

  /** True from a stop for a reload to the start after it, or to {@link resume}: new requests wait. */
  get isPaused(): boolean {
    return this.#pause !== undefined;
  }

  /** Number of requests in progress, including queued ones. */
  get inFlight(): number {
    return this.#front.connections.inFlight;
  }

  /** Number of requests queued by the concurrency limit. */
  get queued(): number {
    return this.#front.pool.waiting;
  }

  /** Number of requests that were cut off at the deadline of a stop, or of {@link replaceApp}. */
  get cutOffRequests(): number {
    return this.#cutOffRequests;
  }

  /** Number of requests refused by the server itself, or with 429, by reason. */
  get rejections(): ReadonlyMap<string, number> {
    return this.#front.rejections.counts;
  }

  get refusals(): NotedRefusals {
    return this.#front.rejections.noted;
  }

  /**
   * Routes later requests to another app. Settles when the requests and upgraded connections of the replaced one have ended; the rest is
   * cut off after `deadlineMs` milliseconds and logged. Default 0: no deadline.
   */
  async replaceApp(app: App, { deadlineMs = 0 }: { readonly deadlineMs?: number } = {}): Promise<void> {
    // A stop for a reload has its own deadline for the requests of the replaced one.
    if (this.#pause !== undefined) return this.awaits(app);
    this.#app = withSlot(app);
    this.#useApp();
    await this.#endOf(this.#requests, { ms: deadlineMs || Number.POSITIVE_INFINITY });
  }

  /** Sets limits and times for later requests and connections. While it listens, its name and its log do not change. */
  configure(options: ServerOptions): void {
    this.#limits = limitsOf(options);
    this.#options = options;
    this.#failures = serverFailures(this.#log, this.#limits.serverDebug);
    this.#front.configure(this.#limits);
    this.#front.refusals = aroundRefusals(options.aroundRefusals ?? [], this.#failures);
    this.#front.state.faultForm = faultFormFrom(options);
    this.#front.state.cacheControl = options.cacheControl;
    this.#useApp();
    // A limit that has been exceeded already counts from the next request.
    this.#exhaustedAt = options.maxRequests ? Math.max(options.maxRequests, this.#answered + 1) : 0;
  }

  /** Describes the requests in progress and the upgraded connections, one line each. */
  describeWork(): readonly string[] {
    return [...this.#requests.map(describeExchange), ...this.#front.upgrades.describe()];
  }

  /**
   * Uses TLS with these options, or plain HTTP, from the next start on. While running, new connections get them: certificate, and demand for
   * one of the client. Present ones continue. Throws, and changes nothing, if OpenSSL refuses them.
   */
  replaceTls(tls: TlsOptions | undefined): void {
    if (tls !== undefined && this.#http instanceof TlsServer) {
      this.#http.setSecureContext(tls);
      // Node does not set here what it reads for each connection. Defaults as of tls.createServer().
      const { requestCert: asks, rejectUnauthorized: refuses } = tls;
      Object.assign(this.#http, { requestCert: asks === true, rejectUnauthorized: refuses !== false });
    }
    this.#tls = tls;
  }

  useSockets(sockets: readonly ListenSocket[]): void {
    this.#endpoint.useSockets(sockets);
  }

  /** Settles when it accepts. Rejects with the system's error code if the address is not available. */
  start(): Promise<void> {
    this.#starting ??= this.#start().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  /**
   * Stops accepting, completes the requests in progress, and closes every connection.
   * Rejects with `PORTICO_STOP_DEADLINE` if the deadline passed, or `signal` was aborted, while requests were in
   * progress: they are then cut off, and the log names them. A further call while it stops can only shorten the time.
   *
   * For a `reload` it goes on accepting, and closes no connection: new requests wait for the next start, for which those in progress need not
   * have ended. Their limit is the deadline.
   */
  stop(options: StopOptions = {}): Promise<void> {
    if (options.reason === 'reload' && this.#stopping === undefined) return this.#hold(options);
    this.#terms ??= new StopTerms(() => this.#applyTerms());
    this.#terms.tighten(options, idleTime(options.reason, this.#limits.keepAliveTimeout, this.#options.drainIdle));
    const { reason = 'stop' } = options;
    if (this.#stopping !== undefined && reason === 'stop') this.markDraining();
    this.#stopping ??= this.#stop(reason, this.#terms).finally(() => {
      this.#terms?.release();
      this.#terms = undefined;
      this.#stopping = undefined;
    });
    return this.#stopping.finally(() => this.#endpoint.closeUnused());
  }

  /** Sets the app of requests that wait since a stop for a reload; without one, does nothing. */
  awaits(app: App): void {
    if (this.#pause !== undefined) this.#app = withSlot(app);
  }

  /** Ends a stop for a reload without a start: requests that wait, and later ones, get this app. Default: the present one. */
  resume(app?: App): void {
    const pause = this.#pause;
    if (pause === undefined) return;
    this.#pause = undefined;
    if (app !== undefined) this.#app = withSlot(app);
    this.#useApp();
    pause.over.resolve();
  }

  async wait(): Promise<void> {
    const pause = this.#pause;
    // A start may follow or not. A call from before a stop for a reload waits until the server has stopped.
    if (pause === undefined) return this.#ended?.promise;
    await pause.ended.catch(() => {});
    await this.#stopping?.catch(() => {});
  }

  /**
   * From now on `isDraining(req)` reports to its apps that it is about to stop, and responses announce the end of their connections. It
   * accepts connections until `stop()`, which asks responses and sessions without an end to end.
   */
  markDraining(): void {
    if (this.#http === undefined) return;
    this.#front.state.draining = true;
    // Clients that hear of it now use no connection that the stop closes: one far away may send as its connection is closed.
    this.#front.announceClose();
  }

  /** A bare server has nothing to read again. */
  async reset(): Promise<void> {}

  async #start(): Promise<void> {
    await this.#stopping?.catch(() => {});
    this.#spans = await SpanMaker.find(this.#log);
    this.#useApp();
    if (this.#http === undefined || this.#isStale) await this.#open();
    this.resume();
  }

  /**
   * Asks open sessions to end, and waits for these requests and sessions; cuts off the rest. Returns the requests that were cut off.
   */
  async #endOf(exchanges: readonly Exchange[], limit: Omit<Limit, 'unref'>): Promise<readonly Exchange[]> {
    const upgraded: readonly Connection[] = this.#front.upgrades.renew();
    const open = new Set(upgraded);
    const requests = exchanges.map(async ({ res, ofConnection: connection }) => {
      await closed(res);
      if (connection.state !== 'upgraded') return;
      // It became a session of the app.
      open.add(connection);
      await closed(connection.raw);
    });
    const ended = Promise.all([...requests, ...upgraded.map(({ raw }) => closed(raw))]);
    let left: readonly Exchange[] = [];
    await within(ended, { ...limit, unref: true }, () => {
      // A stop may have cut off some at the same moment.
      left = exchanges.filter(({ res, ofConnection: { socket } }) => !res.closed && !socket.destroyed);
      this.#tellCutOff(left);
      const sessions = this.#front.upgrades.describe(open);
      if (sessions.length > 0) this.#log.error({ connections: sessions }, 'upgraded connections were cut off');
      for (const exchange of left) cutOff(exchange);
      for (const { socket } of open) socket.destroy();
    });
    return left;
  }

  /** The stop for a reload. */
  #hold({ graceful = false, deadlineMs = 0, signal }: StopOptions): Promise<void> {
    if (this.#http === undefined) return Promise.resolve();
    if (this.#pause !== undefined) return this.#pause.ended;
    const exchanges = this.#requests.filter((exchange) => !this.#earlier.has(exchange));
    for (const exchange of exchanges) this.#earlier.add(exchange);
    const limitMs = deadlineMs || Number.POSITIVE_INFINITY;
    const over = deferred();
    const ended = (async () => {
      const left = await this.#endOf(exchanges, { ms: graceful ? limitMs : 0, signal });
      if (left.length > 0 && graceful) throw cutOffError(this.name, left);
    })();
    this.#pause = { ended, over };
    this.#isStale = true;
    this.#useApp();
    return ended;
  }

  /** Runs later requests by the app: with its spans, and responds where it fails. In a stop for a reload they wait. */
  #useApp(): void {
    if (this.#pause !== undefined) {
      const { promise } = this.#pause.over;
      this.#front.app = async (req, res) => {
        await promise;
        if (!res.closed) await this.#front.app(req, res);
      };
      return;
    }
    const app = this.#spans === undefined ? this.#app : withRequestSpans(this.#app, this.name, this.#spans);
    const field = schemeField(this.#limits);
    const inScheme: App = (req, res) => {
      takeScheme(req, field!);
      return app(req, res);
    };
    this.#front.app = answering(field === undefined ? app : inScheme, this.#failures);
  }

  async #open(): Promise<void> {
    const before = this.#http;
    const http = await this.#front.createServer(this.#tls);
    if (before === undefined) await this.#listen(http);
    else {
      this.#endpoint.move(before, http);
      this.#front.retire(before);
    }
    this.#isStale = false;
    this.#http = http;
    this.#front.state.isRecordLost = this.#options.recordLost;
    this.#front.open();
    if (before === undefined) {
      this.#front.state.draining = false;
      this.#ended = deferred();
    } else if (this.#front.state.draining) {
      // A stop was requested since the stop for a reload.
      this.markDraining();
    }
  }

  async #listen(http: HttpServer | HttpsServer): Promise<void> {
    try {
      await this.#endpoint.open(http, this.name, this.#log);
    } catch (error) {
      http.close(() => {});
      throw error;
    }
  }

  readonly #exchangeEnded = (exchange: Exchange): void => {
    const { res } = exchange;
    const isBroken = exchange.brokenBy !== undefined || !isSent(res);
    if (isBroken || res.statusCode >= 500) this.failures.note(exchange);
    if (isBroken) tellBroken(exchange, this.#log);
    else if (res.statusCode === 429) this.#front.rejections.limited(exchange.req);
    if (++this.#answered === this.#exhaustedAt) this.#options.onExhausted?.();
  };

  async #stop(reason: NonNullable<StopOptions['reason']>, terms: StopTerms): Promise<void> {
    await this.#starting?.catch(() => {});
    const http = this.#http;
    if (http === undefined) return;
    this.#log.info({ event: 'stopping' }, 'Stopping WSGI server.');
    // After a replacement, others serve on its address: a health check on a kept connection gets its usual response.
    if (reason === 'stop') this.markDraining();
    this.#front.announceClose();
    this.resume();
    if (reason === 'stop') await this.#endpoint.acceptWaiting(http, terms.signal);
    // Not before `drain_delay` has passed: a load balancer still sends upgrades, and what begins would end at once.
    this.#front.upgrades.end();
    // The base class stops accepting and does nothing else: http's own close destroys idle connections, and ends the timer of time limits.
    NetServer.prototype.close.call(http);
    this.#drain = new Drain(this.#front.connections);
    this.#applyTerms();
    const unfinished = await this.#drain.done;
    this.#drain = undefined;
    this.#http = undefined;
    this.#front.close();
    http.close(() => {});
    await this.#spans?.flush(terms.signal);
    this.#ended?.resolve();
    this.#tellCutOff(unfinished);
    // A failure, unless the stop was forced.
    if (unfinished.length > 0 && !terms.forced) throw cutOffError(this.name, unfinished);
  }

  /** Applies tighter terms to the present part of the stop. */
  #applyTerms(): void {
    if (this.#terms === undefined) return;
    const { idleMs, signal } = this.#terms;
    this.#drain?.hurry(idleMs);
    if (signal.aborted) this.#drain?.cut();
  }

  #tellCutOff(unfinished: readonly Exchange[]): void {
    if (unfinished.length > 0) this.#log.error(cutOffFacts(unfinished), 'requests were cut off');
    this.#cutOffRequests += unfinished.length;
  }
}

// Time limits of a server's stop: for requests in progress, and for idle connections.

/**
 * Returns the milliseconds that idle connections may stay. After a replacement, as long as their clients may still use
 * them.
 */
function idleTime(reason: StopOptions['reason'], keepAliveS: number, drainIdleS = 0.25): number {
  if (reason !== 'replaced') return drainIdleS * 1000;
  return keepAliveS === 0 ? Number.POSITIVE_INFINITY : keepAliveS * 1000;
}

/**
 * Time limit of a stop over all calls: `stop()` may be called again while it runs, and a later call can only tighten
 * its terms.
 */
class StopTerms {
  /** Milliseconds that an idle connection may stay. */
  idleMs = Number.POSITIVE_INFINITY;
  /** True if the stop must end without waiting. */
  forced = false;
  readonly #changed: () => void;
  readonly #over = new AbortController();
  /** Aborted when no time is left: forced, past the deadline, or aborted. */
  readonly signal: AbortSignal = this.#over.signal;
  readonly #released = new AbortController();
  #deadlineAt = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  /** `changed` is called whenever the terms become tighter. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Adds the terms of one call of `stop()`; `idleMs` is the time that its reason leaves to idle connections. */
  tighten({ graceful, deadlineMs = 0, signal }: StopOptions, idleMs: number): void {
    this.idleMs = Math.min(this.idleMs, idleMs);
    if (graceful !== true) this.forced = true;
    if (deadlineMs > 0 && performance.now() + deadlineMs < this.#deadlineAt) {
      this.#deadlineAt = performance.now() + deadlineMs;
      clearTimeout(this.#timer);
      // Node fires a timer above this limit after 1 ms; a later deadline is ignored.
      if (deadlineMs < 2 ** 31) this.#timer = setTimeout(this.#expire, deadlineMs);
    }
    signal?.addEventListener('abort', this.#expire, { once: true, signal: this.#released.signal });
    if (this.forced || signal?.aborted === true) this.#over.abort();
    this.#changed();
  }

  /** Releases timer and signals: the stop has ended. */
  release(): void {
    clearTimeout(this.#timer);
    this.#released.abort();
  }

  #expire = (): void => {
    this.#over.abort();
    this.#changed();
  };
}
