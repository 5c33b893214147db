/**
 * Servers of a service: one for its topic, and one for the second topic, on which operations that end can
 * still be reached. Each has three consumers (of the topic, of this host, of everyone), one pool, and an end that loses nothing.
 */
import { ConfigurationRefused } from '../../errors/index.js';
import type { TaskTracker } from '../../service/index.js';
import { Deadlines, pause, within } from '../../tasks/internal.js';
import type { CallSpans } from '../call-spans.js';
import type { RPCConnection } from '../client/rpc-connection.js';
import { DeliveryFailure, ServerShuttingDown } from '../errors.js';
import { type AddressedFormat, type RequestEnvelope, readRequest, UnreadableEnvelope } from '../message/envelope.js';
import { addressText } from '../transport/route.js';
import type { Delivery, Route, Transport, TransportConsumer } from '../transport/transport.js';
import { Endpoints } from './endpoints.js';
import { HeldLoop } from './held-loop.js';
import { RecentKeys } from './recent-keys.js';
import { ReplySender } from './reply-sender.js';
import { SenderClocks } from './sender-clocks.js';
import { ServedCall, type ServedWith } from './served-call.js';

/** Parts of a server. */
export interface RpcServerOptions {
  readonly connection: RPCConnection;
  /** That of the connection, connected. */
  readonly transport: Transport;
  /** Undefined: no spans are made. */
  readonly spans?: CallSpans | undefined;
  readonly topic: string;
  readonly host: string;
  readonly binary: string;
  readonly endpoints: Endpoints;
  readonly tracker: TaskTracker;
  /** How many handlers run at a time. Default: what the configuration says. */
  readonly poolSize?: number | undefined;
}

/** Endpoints and policy of a service. */
export interface ServedTopicsOptions extends Omit<RpcServerOptions, 'transport' | 'spans' | 'endpoints'> {
  readonly altTopic: string | null;
  readonly endpoints: readonly object[];
}

/** The servers of one service, for one run. */
export class ServedTopics {
  readonly #options: ServedTopicsOptions;
  #main: RpcServer | undefined;
  #alt: RpcServer | undefined;
  #spans: CallSpans | undefined;
  readonly #ending = new AbortController();

  constructor(options: ServedTopicsOptions) {
    this.#options = options;
  }

  /**
   * Settles when calls can come. Waits for a broker that is away; rejects with `DeliveryFailure` when that takes longer than
   * `[rpc] start_wait`, and as `Endpoints` for methods that cannot be served. On failure nothing is consumed.
   */
  async start(aborted: AbortSignal): Promise<void> {
    const { connection, endpoints } = this.#options;
    const { accessPolicy, startWaitMs, startWithoutBroker, transport: settings } = connection.settings;
    const served = new Endpoints(endpoints, accessPolicy);
    const late = served.methods.find(({ options }) => options.ack === 'late');
    const { transientCalls } = connection.settings;
    if (late !== undefined && (settings.queueType !== 'quorum' || transientCalls)) {
      const why = transientCalls ? 'call_durability is transient' : `queue_type is ${settings.queueType}`;
      throw new ConfigurationRefused('PORTICO_RPC_METHOD', {
        message: `${late.name} acknowledges late, but [rpc] ${why}`,
        hint: 'Only quorum queues count redeliveries.',
      });
    }
    const spans = await connection.spans;
    this.#spans = spans;
    const begin = (transport: Transport): Promise<void> => this.#begin(transport, served, aborted);
    try {
      await begin(await connection.connected(startWaitMs, aborted));
    } catch (error) {
      const isAway = error instanceof DeliveryFailure && !aborted.aborted;
      if (!startWithoutBroker || !isAway) throw error;
      const { topic } = this.#options;
      connection.log.warn(
        `${topic} starts without its broker, and accepts calls once it is available: ${error.describe()}`,
      );
      void this.#beginLater(begin);
    }
  }

  /** Waits for the broker as long as the service runs. Never rejects. */
  async #beginLater(begin: (transport: Transport) => Promise<void>): Promise<void> {
    const { connection, topic } = this.#options;
    const { log, clock, settings } = connection;
    const { signal } = this.#ending;
    while (!signal.aborted) {
      try {
        await begin(await connection.connected(Number.POSITIVE_INFINITY, signal));
        if (!signal.aborted) log.info(`${topic} accepts calls now`);
      } catch (err) {
        if (signal.aborted) return;
        log.error(`${topic} cannot accept calls yet`, { err });
        await pause(settings.transport.retryIntervalMaxMs, { clock, signal, unref: true });
        continue;
      }
      break;
    }
    if (signal.aborted) await this.#main?.stopAccepting();
  }

  async #begin(transport: Transport, served: Endpoints, aborted: AbortSignal): Promise<void> {
    const { connection, altTopic, endpoints } = this.#options;
    const { accessPolicy } = connection.settings;
    const spans = this.#spans;
    this.#main = new RpcServer({ ...this.#options, endpoints: served, transport, spans });
    await this.#main.start();
    if (altTopic === null) return;
    const continuations = new Endpoints(endpoints, accessPolicy, ({ continuation }) => continuation === true);
    this.#alt = new RpcServer({ ...this.#options, topic: altTopic, endpoints: continuations, transport, spans });
    try {
      await this.#alt.start();
    } catch (error) {
      await this.#main.stopAccepting();
      await this.#main.finish(0, aborted);
      throw error;
    }
  }

  /** Nothing new on the first topic. Continuations still come. */
  async stopAccepting(): Promise<void> {
    this.#ending.abort();
    await this.#main?.stopAccepting();
  }

  /** Settles when handlers have ended, those of the second topic last: see `RpcServer.finish`. The limit is that of both. */
  async finish(limitMs: number, signal?: AbortSignal): Promise<void> {
    const { clock } = this.#options.connection;
    const until = clock.now() + limitMs;
    await this.#main?.finish(limitMs, signal);
    await this.#alt?.stopAccepting();
    await this.#alt?.finish(Math.max(0, until - clock.now()), signal);
    await this.#spans?.flush(signal);
  }
}

/** How long, and how many, messages are remembered that were begun. */
const SEEN_MS = 600_000;
const SEEN_MESSAGES = 10_000;

/** Milliseconds that handlers get to end by themselves once their signal has fired. */
const GRACE_MS = 1000;

/** A server of one topic, for one run. */
export class RpcServer {
  readonly #options: RpcServerOptions;
  readonly #with: ServedWith;
  readonly #poolSize: number;
  /** Have come, and not begun: they can be given back to the broker. */
  readonly #waiting: ServedCall[] = [];
  readonly #running = new Set<ServedCall>();
  #idle: (() => void)[] = [];
  /** `held`: nothing more is begun, what comes waits to be given back. `closed`: that goes back at once. */
  #intake: 'open' | 'held' | 'closed' = 'open';
  /** Of the topic and of this host. */
  #work: (TransportConsumer | undefined)[] = [];
  /** Of what goes to every process. */
  #copies: TransportConsumer | undefined;

  constructor(options: RpcServerOptions) {
    const { connection, transport, spans, poolSize } = options;
    const { settings, serializer, log, clock, meter } = connection;
    const { format, sendStack, replyRetryMs: retryMs } = settings;
    this.#options = options;
    meter?.serves(options.topic);
    this.#poolSize = poolSize ?? settings.poolSize;
    this.#with = {
      ...options,
      spans,
      serializer,
      log,
      clock,
      meter,
      sendStack,
      replies: new ReplySender({ transport, log, clock, format, retryMs, onLost: () => meter?.lost(options.topic) }),
      held: new HeldLoop({ log, clock }),
      clocks: new SenderClocks(clock),
      deliveryLimit: settings.transport.deliveryLimit,
      deadlines: new Deadlines(clock, { unref: true }),
      seen: new RecentKeys({ clock, keepMs: SEEN_MS, most: SEEN_MESSAGES }),
      late: new Map(),
    };
  }

  /** Settles when all three consumers are there. On failure none is. */
  async start(): Promise<void> {
    const { connection, transport, topic, host, endpoints } = this.#options;
    const { exchange, format, prefetch } = connection.settings;
    // A crash counts all that it gives back as begun, so calls that are acknowledged late are held only if they can begin.
    const most = endpoints.hasLate ? this.#poolSize : Number.POSITIVE_INFINITY;
    const held = Math.min(this.#options.poolSize ?? prefetch, most);
    const consume = (to: Partial<Route>): Promise<TransportConsumer> => {
      const route = { exchange, topic, ...to };
      const source = { format: format.at(addressText(route)), isCopy: to.fanout === true };
      return transport.consume(route, { prefetch: held }, (delivery) => this.#take(delivery, source));
    };
    const { transientCalls } = connection.settings;
    const calls = transientCalls ? [consume({ transient: true }), consume({ server: host, transient: true })] : [];
    const all = [consume({ fanout: true }), consume({}), ...calls, consume({ server: host })];
    const begun = await Promise.allSettled(all);
    const [copies, ...work] = begun.map((each) => (each.status === 'fulfilled' ? each.value : undefined));
    this.#work = work;
    this.#copies = copies;
    const failed = begun.find((each) => each.status === 'rejected');
    if (failed === undefined) return;
    await this.stopAccepting();
    await this.finish(0);
    throw failed.reason;
  }

  /**
   * Nothing new is begun: the consumers of the topic and of this host end, and what has not begun goes back. Not before they have
   * ended: it would come here again at once, until it came too often and were a dead letter. The consumer of what goes to all stays
   * until {@link finish}: it hears which of the running calls are cancelled.
   */
  async stopAccepting(): Promise<void> {
    this.#intake = 'held';
    await Promise.all(this.#work.splice(0).map(async (consumer) => consumer?.cancel()));
    this.#intake = 'closed';
    await Promise.all(this.#waiting.splice(0).map((call) => call.giveBack()));
  }

  /**
   * Settles once every handler has ended and its reply is confirmed. Those that have not when `limitMs` are over, or `signal` is
   * raised, get their signal and a moment; then their callers are told that the server ended.
   */
  async finish(limitMs: number, signal?: AbortSignal): Promise<void> {
    const { clock, topic, host, replies } = this.#with;
    const isIdleWithin = (ms: number, until?: AbortSignal): Promise<boolean> =>
      within(
        this.#isIdle().then(() => true),
        { ms, clock, signal: until },
        () => false,
      );
    replies.hurry();
    const isIdle = await isIdleWithin(limitMs, signal);
    // Calls that are cancelled from now on get their signal anyway.
    const ended = this.#copies?.cancel();
    if (!isIdle) {
      const message = `${topic} on ${host} ended before the method did`;
      const reason = new ServerShuttingDown({ message, started: true });
      for (const call of this.#running) call.cancel(reason);
      if (!(await isIdleWithin(signal?.aborted === true ? GRACE_MS / 5 : GRACE_MS))) {
        for (const call of this.#running) call.interrupt(reason);
      }
    }
    await replies.flush(this.#isIdle(), ended);
  }

  #take(delivery: Delivery, { format, isCopy }: { readonly format: AddressedFormat; readonly isCopy: boolean }): void {
    const { log, meter, topic } = this.#with;
    let envelope: ReturnType<typeof readRequest>;
    try {
      envelope = readRequest(delivery.message.body, format);
    } catch (error) {
      if (!(error instanceof UnreadableEnvelope)) throw error;
      const { id, body, replyTo } = delivery.message;
      log.warn(`message ${id} cannot be read: ${error.message}`, { bytes: body.length, sender: replyTo });
      void delivery.deadLetter(`unreadable: ${error.message}`).then((isOne) => {
        if (isOne) meter?.died(topic, 'unreadable');
      });
      return;
    }
    if ('cancel' in envelope) {
      const { cancel } = envelope;
      // One that came again while it runs is not meant.
      const call = [...this.#running, ...this.#waiting].find((each) => each.isKnownAs(cancel));
      call?.cancel(new Error('the caller no longer waits'));
      delivery.ack().catch(() => {});
      return;
    }
    const call = new ServedCall(this.#with, withDeadline(envelope, delivery), delivery, isCopy);
    if (this.#intake === 'closed') return void call.giveBack();
    if (this.#running.size >= this.#poolSize && call.isWornOut) return void call.giveBack();
    this.#waiting.push(call);
    this.#next();
  }

  #next(): void {
    while (this.#intake === 'open' && this.#running.size < this.#poolSize) {
      const call = this.#waiting.shift();
      if (call === undefined) break;
      this.#running.add(call);
      void call.run().finally(() => {
        this.#running.delete(call);
        this.#next();
      });
    }
    if (this.#running.size === 0) for (const tell of this.#idle.splice(0)) tell();
  }

  /** Settles once nothing runs. */
  #isIdle(): Promise<void> {
    if (this.#running.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }
}

/** A message that says nothing of its caller's time was given no longer than that by the broker: how long of it is spent is not known. */
function withDeadline(request: RequestEnvelope, { message: { ttlMs } }: Delivery): RequestEnvelope {
  if (request.reply === undefined || request.deadline !== undefined || ttlMs === undefined) return request;
  return { ...request, deadline: ttlMs };
}
