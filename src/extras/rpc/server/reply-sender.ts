/**
 * Sends replies. A caller may be reconnecting, so an unreachable one is retried for a while, without a delay for other replies.
 */
import type { Logger } from 'portico/extension';
import { type Cancel, type Clock, pause, within } from 'portico/tasks';
import { DeliveryFailure } from '../errors.js';
import { messageId, type ReplyEnvelope, type RequestEnvelope, writeEnvelope } from '../message/envelope.js';
import type { MessageLimits } from '../message/wire-format.js';
import type { Message, Transport } from '../transport/transport.js';
import { RecentKeys } from './recent-keys.js';

/** Options of a {@link ReplySender}. */
export interface ReplySenderOptions {
  readonly transport: Transport;
  readonly log: Logger;
  readonly clock: Clock;
  readonly limits: MessageLimits;
  /** Time for which a reply is retried. */
  readonly retryMs: number;
  /** Counts a reply that was not delivered. */
  readonly onLost?: (() => void) | undefined;
}

/** A reply with its call, for the log. */
export interface Reply {
  readonly to: string;
  readonly envelope: ReplyEnvelope;
  /** Name of the method. */
  readonly name: string;
  /** Arrival of the call, by the clock. */
  readonly since: number;
  /** Sends another reply in place of one that the broker will never take; gets its error. Default: none is sent. */
  readonly refused?: ((error: DeliveryFailure) => Promise<void>) | undefined;
}

const BETWEEN_MS = 250;
/** Limit of all replies that wait for a retry, in bytes: a sender may request replies to queues that do not exist. */
const KEPT_BYTES = 16 * 1024 * 1024;
const GONE_MS = 60_000;
const GONE_ENTRIES = 200;
/** Time for replies in progress when the server ends. */
const FLUSH_MS = 2000;
/** Shortest interval of heartbeats that a caller may request: each is a message. */
const LEAST_BEAT_MS = 50;

interface WrittenReply extends Omit<Reply, 'envelope'> {
  /** Id of the call. */
  readonly id: string;
  readonly message: Message;
  /** Time by the clock after which it is not retried. */
  readonly until: number;
}

const SETTLED = Promise.resolve();

/** A reply in progress. */
interface Sending {
  /** Lets its handler continue. */
  readonly tried: () => void;
  /** Settles when it is delivered or given up. */
  ended: Promise<void>;
}

/** Never fails: replies that cannot be sent are logged. */
export class ReplySender {
  readonly #options: ReplySenderOptions;
  /** Replies in progress. */
  readonly #pending = new Set<Sending>();
  /** Addresses that were given up. */
  readonly #gone: RecentKeys;
  /** Bytes of the replies that wait. */
  #keptBytes = 0;
  /** Ends the waits. */
  readonly #closing = new AbortController();
  #isHurried = false;

  constructor(options: ReplySenderOptions) {
    this.#options = options;
    this.#gone = new RecentKeys({ clock: options.clock, keepMs: GONE_MS, most: GONE_ENTRIES });
  }

  /**
   * Settles after the first attempt: handlers wait for a broker that accepts nothing, but not for a caller that is gone. Throws
   * `SerializationError` for a reply that cannot be sent.
   */
  send(reply: Reply): Promise<void> {
    const { envelope, to, name, since, refused } = reply;
    const { clock, limits, retryMs } = this.#options;
    const id = messageId();
    const body = writeEnvelope(envelope, `the result of ${name}`, limits, id);
    // Without the result, which would be kept as long as its bytes.
    const until = clock.now() + retryMs;
    const written = { to, id: envelope.id, name, since, refused, message: { id, body }, until };
    return new Promise((tried) => {
      const sending: Sending = { tried, ended: SETTLED };
      this.#pending.add(sending);
      sending.ended = this.#gone.has(to)
        ? this.#retry(written, sending, undefined)
        : this.#publish(written).then(
            () => this.#end(sending),
            (error: unknown) => this.#retry(written, sending, error),
          );
      if (this.#isHurried) this.#limit(tried);
    });
  }

  #publish({ to, message, until }: WrittenReply): Promise<void> {
    const { transport, clock } = this.#options;
    return transport.publish(to, message, { mandatory: true, timeoutMs: Math.max(1000, until - clock.now()) });
  }

  #end(sending: Sending): void {
    this.#pending.delete(sending);
    sending.tried();
  }

  /** Called when the server ends: handlers wait only briefly for their replies, because a broker may be silent. */
  hurry(): void {
    this.#isHurried = true;
    for (const { tried } of this.#pending) this.#limit(tried);
  }

  #limit(tried: () => void): void {
    this.#options.clock.after(FLUSH_MS, tried, { unref: true });
  }

  /** Sends heartbeats, each once, two within the time for which the caller waits. */
  beat({ reply, monitor }: RequestEnvelope, name: string): Cancel {
    if (reply === undefined || monitor === undefined || !(monitor > 0)) return () => {};
    const { transport, clock, limits, log } = this.#options;
    const { to, id } = reply;
    let cancel: Cancel;
    const arm = (): void => {
      cancel = clock.after(Math.max(monitor / 2, LEAST_BEAT_MS), beat, { unref: true });
    };
    const beat = (): void => {
      const sent = messageId();
      const body = writeEnvelope({ id, alive: true }, name, limits, sent);
      transport.publish(to, { id: sent, body }).catch((err: unknown) => {
        log.debug({ err }, `${name}: no heartbeat could be sent`);
      });
      arm();
    };
    arm();
    return () => cancel();
  }

  /**
   * Settles when `handlers` have ended, all replies are confirmed or given up, and `consumer` has ended. All have little time: a silent
   * broker would delay the stop, a publish for as long as the reply is retried.
   */
  async flush(handlers: Promise<void>, consumer: Promise<void> = Promise.resolve()): Promise<void> {
    const sent = handlers.then(() => Promise.all([...Array.from(this.#pending, ({ ended }) => ended), consumer]));
    await within(sent, { ms: FLUSH_MS, clock: this.#options.clock }, () => {
      this.#closing.abort();
      for (const { tried } of this.#pending) tried();
    });
    // One that settles its message with a silent broker is left: the message is returned with the connection.
    await within(handlers, { ms: FLUSH_MS, clock: this.#options.clock });
  }

  /** `failure`: of the first attempt; undefined without one, because the caller is gone. */
  async #retry(reply: WrittenReply, sending: Sending, failure: unknown): Promise<void> {
    const { clock, log, onLost } = this.#options;
    const { to, id, name, since, refused, message, until } = reply;
    const { signal } = this.#closing;
    let err = failure;
    this.#keptBytes += message.body.length;
    try {
      while (!isFinal(err) && !this.#gone.has(to) && this.#keptBytes <= KEPT_BYTES) {
        sending.tried();
        if (clock.now() + BETWEEN_MS > until) this.#gone.add(to);
        else if (!(await pause(BETWEEN_MS, { clock, signal, unref: true }))) break;
        else if (!this.#gone.has(to)) {
          err = await this.#publish(reply).then(
            () => undefined,
            (error: unknown) => error,
          );
          if (err === undefined) return;
        }
      }
    } finally {
      this.#keptBytes -= message.body.length;
      this.#end(sending);
    }
    if (isFinal(err) && refused !== undefined) {
      try {
        return await refused(err);
      } catch (error) {
        err = error;
      }
    }
    onLost?.();
    const age = Math.round(clock.now() - since);
    const facts = { err: err ?? new Error('its caller is gone') };
    log.warn(facts, `${name}: the reply to call ${id} was not delivered, ${age} ms after the call came`);
  }
}

/** Reports whether the broker would refuse the message again. */
function isFinal(error: unknown): error is DeliveryFailure {
  return error instanceof DeliveryFailure && error.final;
}
