/**
 * Takes the calls of a topic: three consumers (of the topic, of this host, of everyone), one pool of handlers, and an end that
 * loses nothing.
 */
import { systemClock } from '../../tasks/index.js';
import { ServerShuttingDown } from '../errors.js';
import { readRequest, UnreadableEnvelope } from '../message/envelope.js';
import type { AddressedFormat, WireFormat } from '../message/wire-format.js';
import { addressText } from '../transport/route.js';
import type { Delivery, Route, Transport, TransportConsumer } from '../transport/transport.js';
import { Executor } from './executor.js';
import { CallHandler, type CallHandlerParts } from './handle-call.js';
import { type IncomingCall, incomingCall } from './incoming-call.js';
import { Interruption } from './interruption.js';
import { RecentKeys } from './recent-keys.js';
import { ReplySender } from './reply-sender.js';

/** What a server is made of. */
export interface RpcServerOptions
  extends Omit<CallHandlerParts, 'replies' | 'seen' | 'interruption' | 'clock'>,
    Partial<Pick<CallHandlerParts, 'clock'>> {
  readonly transport: Transport;
  readonly exchange: string;
  /** How many handlers run at a time. */
  readonly poolSize: number;
  /** How many messages each consumer holds that are not acknowledged. */
  readonly prefetch: number;
  readonly format: WireFormat;
  /** How long a reply is tried whose caller cannot be reached. */
  readonly replyRetryMs: number;
}

/** How long, and how many, messages are remembered that were begun. */
const SEEN_MS = 600_000;
const SEEN_MESSAGES = 10_000;

/** What handlers get to end by themselves once their signal has fired. */
const GRACE_MS = 1000;

/** A server of one topic, for one run. */
export class RpcServer {
  readonly #options: RpcServerOptions & { readonly clock: NonNullable<RpcServerOptions['clock']> };
  readonly #executor: Executor;
  readonly #replies: ReplySender;
  readonly #handler: CallHandler;
  /** By the id that their callers know them by. */
  readonly #calls = new Map<string, IncomingCall>();
  readonly #interruption = new Interruption();
  /** Of the topic and of this host. */
  #work: (TransportConsumer | undefined)[] = [];
  /** Of what goes to every process. */
  #copies: TransportConsumer | undefined;

  constructor(options: RpcServerOptions) {
    this.#options = { ...options, clock: options.clock ?? systemClock };
    const { transport, log, clock, format, replyRetryMs: retryMs } = this.#options;
    this.#executor = new Executor(options.poolSize);
    this.#replies = new ReplySender({ transport, log, clock, format, retryMs });
    this.#handler = new CallHandler({
      ...this.#options,
      replies: this.#replies,
      seen: new RecentKeys({ clock, keepMs: SEEN_MS, most: SEEN_MESSAGES }),
      interruption: this.#interruption,
    });
  }

  /** Settles when all three consumers are there. On failure none is. */
  async start(): Promise<void> {
    const { transport, exchange, topic, host, prefetch, format } = this.#options;
    const consume = (to: Partial<Route>): Promise<TransportConsumer> => {
      const route = { exchange, topic, ...to };
      const source = { format: format.at(addressText(route)), isCopy: to.fanout === true };
      return transport.consume(route, { prefetch }, (delivery) => this.#take(delivery, source));
    };
    const begun = await Promise.allSettled([consume({}), consume({ server: host }), consume({ fanout: true })]);
    const [shared, own, copies] = begun.map((each) => (each.status === 'fulfilled' ? each.value : undefined));
    this.#work = [shared, own];
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
    this.#executor.hold();
    for (const consumer of this.#work.splice(0)) await consumer?.cancel();
    await this.#executor.clear();
  }

  /**
   * Settles once every handler has ended and its reply is confirmed. Those that have not when `limitMs` are over, or `signal` is
   * raised, get their signal and a moment; then their callers are told that the server ended.
   */
  async finish(limitMs: number, signal?: AbortSignal): Promise<void> {
    const isIdle = await this.#idleWithin(limitMs, signal);
    // What it would cancel from now on gets its signal anyway.
    const ended = this.#copies?.cancel();
    if (!isIdle) {
      const { topic, host } = this.#options;
      const reason = new ServerShuttingDown({
        message: `${topic} on ${host} ended before the method did`,
        started: true,
      });
      for (const { abort } of this.#calls.values()) abort.abort(reason);
      if (!(await this.#idleWithin(signal?.aborted === true ? GRACE_MS / 5 : GRACE_MS)))
        this.#interruption.interrupt(reason);
    }
    await this.#replies.flush(this.#executor.idle(), ended);
  }

  #take(delivery: Delivery, { format, isCopy }: { readonly format: AddressedFormat; readonly isCopy: boolean }): void {
    const { log, meter, topic } = this.#options;
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
      this.#calls.get(envelope.cancel)?.abort.abort(new Error('the caller does not wait any more'));
      delivery.ack().catch(() => {});
      return;
    }
    this.#queue(incomingCall(envelope, { delivery, isCopy, now: this.#options.clock.now() }));
  }

  #queue(call: IncomingCall): void {
    const { id, reply } = call.request;
    const key = reply?.id ?? id;
    // One that comes again while it runs does not take its place: an abort is for that which runs.
    if (!this.#calls.has(key)) this.#calls.set(key, call);
    const done = (): void => {
      if (this.#calls.get(key) === call) this.#calls.delete(key);
    };
    this.#executor.add({
      run: () => this.#handler.handle(call).finally(done),
      giveBack: () => this.#handler.giveBack(call).finally(done),
    });
  }

  #idleWithin(ms: number, signal?: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const late = (): void => resolve(false);
      const cancel = ms === Number.POSITIVE_INFINITY ? () => {} : this.#options.clock.after(ms, late);
      signal?.addEventListener('abort', late, { once: true });
      if (signal?.aborted === true) late();
      void this.#executor.idle().then(() => {
        cancel();
        signal?.removeEventListener('abort', late);
        resolve(true);
      });
    });
  }
}
