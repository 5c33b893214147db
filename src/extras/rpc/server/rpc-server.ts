/**
 * A server of one topic: it has three consumers (of the topic, of this host, of fanouts), one pool, and a stop without losses.
 */
import type { CallSpans } from 'portico/extension';
import { within } from 'portico/tasks';
import type { RPCConnection } from '../client/rpc-connection.js';
import { ServerShuttingDown } from '../errors.js';
import type { CallTracker } from '../exposed-methods.js';
import { type RequestEnvelope, readRequest, UnreadableEnvelope } from '../message/envelope.js';
import { nameOfMessage } from '../transport/route.js';
import type { Delivery, Route, Transport, TransportConsumer } from '../transport/transport.js';
import type { Endpoints } from './endpoints.js';
import { seenMessages } from './recent-keys.js';
import { ReplySender } from './reply-sender.js';
import { ServedCall, type ServedWith } from './served-call.js';

/** Parts of a server. */
export interface RpcServerOptions {
  readonly connection: RPCConnection;
  /** Connected transport. */
  readonly transport: Transport;
  /** Undefined: no spans are created. */
  readonly spans?: CallSpans | undefined;
  readonly topic: string;
  readonly host: string;
  readonly binary: string;
  readonly endpoints: Endpoints;
  readonly tracker: CallTracker;
  /** Number of handlers that run at a time. Default: by the configuration. */
  readonly poolSize?: number | undefined;
  /** False: it begins without the queue that the hosts of the topic share, until {@link RpcServer.takeShared}. Default true. */
  readonly takesShared?: boolean;
}

/** Milliseconds that handlers have to end by themselves after their signal was aborted. */
const GRACE_MS = 1000;

/** The queue of a message. */
interface Source {
  /** Every other process gets its messages too. */
  readonly isCopy: boolean;
  /** It is that of the topic, which all hosts share. */
  readonly isShared: boolean;
}

/** A server of one topic, for one run. */
export class RpcServer {
  readonly #options: RpcServerOptions;
  readonly #with: ServedWith;
  readonly #poolSize: number;
  /** Calls that have arrived but not begun: they can be returned to the broker. */
  readonly #waiting: ServedCall[] = [];
  readonly #running = new Set<ServedCall>();
  #idle: (() => void)[] = [];
  /** Settles when the returned messages that have begun are acknowledged and read. */
  #turn = Promise.resolve();
  /** `held`: nothing more is begun, and new calls wait for their return. `closed`: new calls are returned at once. */
  #intake: 'open' | 'held' | 'closed' = 'open';
  /** Those of {@link #waiting} that any host of the topic may have. */
  readonly #shareable = new WeakSet<ServedCall>();
  /** Consumer of the topic; undefined while this host takes none of its calls. */
  #shared: TransportConsumer | undefined;
  /** True if late deliveries of the topic are returned at once, because its consumer has ended. */
  #isWithheld = false;
  /** Settles when the consumer of the topic runs, or has ended, as was last asked. */
  #switched = Promise.resolve();
  /** Consumer of this host. */
  #own: TransportConsumer | undefined;
  /** Consumer of messages to every process. */
  #copies: TransportConsumer | undefined;

  constructor(options: RpcServerOptions) {
    const { connection, transport, spans, poolSize } = options;
    const { settings, serializer, log, clock, meter } = connection;
    const { limits, replyRetryMs: retryMs } = settings;
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
      failed: connection.failed,
      replies: new ReplySender({ transport, log, clock, limits, retryMs, onLost: () => meter?.lost(options.topic) }),
      seen: seenMessages(clock),
      late: new Map(),
    };
  }

  /** Settles when its consumers run. After a failure none does. */
  async start(): Promise<void> {
    const { connection, transport, topic, host, takesShared = true } = this.#options;
    const { exchange } = connection.settings;
    this.#isWithheld = !takesShared;
    // Calls wait in the queue of the topic, also if no host takes them.
    const shared = takesShared ? this.#consume({}) : transport.declareQueue({ exchange, topic }).then(() => undefined);
    const beginning = Promise.allSettled([this.#consume({ fanout: true }), shared, this.#consume({ server: host })]);
    this.#switched = beginning.then(() => undefined);
    const begun = await beginning;
    const [copies, ofTopic, own] = begun.map((each) => (each.status === 'fulfilled' ? each.value : undefined));
    this.#shared = ofTopic;
    this.#own = own;
    this.#copies = copies;
    const failed = begun.find((each) => each.status === 'rejected');
    if (failed === undefined) return;
    await this.stopAccepting();
    await this.finish(0);
    throw failed.reason;
  }

  /**
   * Takes calls from the queue of the topic, or leaves them to other hosts; calls to this host and to every process arrive in both cases. Calls
   * of the topic that have arrived and not begun are returned.
   */
  takeShared(isWanted: boolean): Promise<void> {
    const switched = this.#switched.then(() => this.#switch(isWanted));
    this.#switched = switched.catch(() => undefined);
    return switched;
  }

  async #switch(isWanted: boolean): Promise<void> {
    if (this.#intake !== 'open' || isWanted === !this.#isWithheld) return;
    if (isWanted) {
      this.#isWithheld = false;
      try {
        const consumer = await this.#consume({});
        // A stop does not wait for a consumer that begins.
        if (this.#intake === 'open') this.#shared = consumer;
        else await consumer.cancel();
      } catch (error) {
        this.#isWithheld = true;
        throw error;
      }
      return;
    }
    await this.#shared?.cancel();
    this.#shared = undefined;
    this.#isWithheld = true;
    const returned = this.#waiting.filter((call) => this.#shareable.has(call));
    for (const call of returned) this.#waiting.splice(this.#waiting.indexOf(call), 1);
    await Promise.all(returned.map((call) => call.giveBack()));
  }

  #consume(to: Partial<Route>): Promise<TransportConsumer> {
    const { connection, transport, topic } = this.#options;
    const { exchange } = connection.settings;
    const route = { exchange, topic, ...to };
    const [isCopy, isShared] = [to.fanout === true, to.fanout !== true && to.server === undefined];
    const source = { isCopy, isShared };
    // As many as can begin: a crash counts each call that is returned as begun.
    return transport.consume(route, { prefetch: this.#poolSize }, (delivery) => this.#take(delivery, source));
  }

  /**
   * Begins nothing new: the consumers of the topic and of this host end, and calls that have not begun are returned. Not before the
   * consumers have ended: the calls would return here at once, until their limit made them dead letters. The consumer of fanouts stays
   * until {@link finish}: it receives cancellations of running calls.
   */
  async stopAccepting(): Promise<void> {
    this.#intake = 'held';
    await Promise.all([this.#shared?.cancel(), this.#own?.cancel()]);
    // A returned message that is acknowledged begins.
    await this.#turn;
    this.#intake = 'closed';
    await Promise.all(this.#waiting.splice(0).map((call) => call.giveBack()));
  }

  /**
   * Settles when every handler has ended and its reply is confirmed. After `limitMs`, or when `signal` is aborted, the signals of the
   * remaining ones are aborted, and shortly later their callers get the error that the server ended.
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
    // Calls that are cancelled from now on have an aborted signal anyway.
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

  #take(delivery: Delivery, source: Source): void {
    // The queue of fanouts belongs to this process: they have ended no other one.
    if (delivery.isUncounted === true && !source.isCopy) {
      this.#takeReturned(delivery, source);
      return;
    }
    const call = this.#read(delivery, source);
    if (call === undefined) return;
    if (this.#intake === 'closed' || (source.isShared && this.#isWithheld)) return void call.giveBack();
    this.#waiting.push(call);
    if (source.isShared) this.#shareable.add(call);
    this.#next();
  }

  /**
   * A message that was delivered before, by a broker that does not count its deliveries, may have ended the process that had it. It is
   * acknowledged before it is read, one at a time, and cannot end a third process; it begins at once, because it cannot go back.
   */
  #takeReturned(delivery: Delivery, source: Source): void {
    const { log } = this.#with;
    const { message } = delivery;
    const name = nameOfMessage(message);
    const open = async (): Promise<void> => {
      if (this.#intake !== 'open' || (source.isShared && this.#isWithheld)) return delivery.requeue();
      const facts = { bytes: message.body.length, sender: message.replyTo };
      log.info(facts, `message ${name} was delivered before: it is acknowledged before it is read`);
      await delivery.ack();
      const call = this.#read({ ...delivery, ack: async () => {}, requeue: async () => {} }, source);
      if (call !== undefined) this.#run(call);
    };
    this.#turn = this.#turn.then(open).catch((err: unknown) => {
      log.info({ err }, `message ${name} was not read, it will be redelivered`);
    });
  }

  /** Returns the call in a message; undefined if it has none, which is settled here. */
  #read(delivery: Delivery, { isCopy }: Source): ServedCall | undefined {
    const { log, meter, failed, topic } = this.#with;
    let envelope: ReturnType<typeof readRequest>;
    try {
      envelope = readRequest(delivery.message.body, this.#options.connection.settings.limits);
    } catch (error) {
      if (!(error instanceof UnreadableEnvelope)) throw error;
      const { body, replyTo } = delivery.message;
      const name = nameOfMessage(delivery.message);
      log.warn({ bytes: body.length, sender: replyTo }, `message ${name} cannot be read: ${error.message}`);
      void delivery.deadLetter(`unreadable: ${error.message}`).then((isOne) => {
        if (!isOne) return;
        failed?.died(topic);
        meter?.died(topic, 'unreadable');
      });
      return undefined;
    }
    if ('cancel' in envelope) {
      const { cancel } = envelope;
      // A message that was redelivered while it runs does not count.
      const call = [...this.#running, ...this.#waiting].find((each) => each.isKnownAs(cancel));
      call?.cancel(new Error('the caller no longer waits'));
      delivery.ack().catch(() => {});
      return undefined;
    }
    return new ServedCall(this.#with, withDeadline(envelope, delivery), delivery, isCopy, this.#with.clock.now());
  }

  #next(): void {
    while (this.#intake === 'open' && this.#running.size < this.#poolSize) {
      const call = this.#waiting.shift();
      if (call === undefined) break;
      this.#run(call);
    }
    if (this.#running.size === 0) for (const tell of this.#idle.splice(0)) tell();
  }

  #run(call: ServedCall): void {
    this.#running.add(call);
    void call.run().then(() => {
      this.#running.delete(call);
      this.#next();
    });
  }

  /** Settles when nothing runs. */
  #isIdle(): Promise<void> {
    if (this.#running.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }
}

/** A message without its caller's time has at most the time that the broker gave it: how much of it has passed there is unknown. */
function withDeadline(request: RequestEnvelope, { message: { ttlMs } }: Delivery): RequestEnvelope {
  if (request.reply === undefined || request.deadline !== undefined || ttlMs === undefined) return request;
  return { ...request, deadline: ttlMs };
}
