/**
 * The Transport contract: what carries messages between processes, as brokers do. A driver is a class that implements
 * {@link Transport}, and a line in `drivers.ts` or in an extension. The comments below are its rules; `transportConformance` has a case for
 * most of them.
 *
 * The words are AMQP's: an exchange separates applications, a queue keeps messages until a consumer has acknowledged them, and
 * what cannot be delivered or is refused becomes a dead letter.
 */
import type { Config } from 'portico/config';
import type { Logger } from 'portico/extension';
import type { TransportUrl } from './transport-url.js';

/** A driver: creates a transport that is not connected yet. */
export type MakeTransport = (url: TransportUrl, options: TransportOptions, config: Config) => Transport;

/** Drivers by the scheme of their URLs, each with its import. */
export type Transports = Readonly<Record<string, () => Promise<MakeTransport>>>;

declare module 'portico/extension' {
  interface Provides {
    /** Transports of remote calls, by the scheme of their URLs. */
    readonly transports?: Transports;
  }
}

/** Limit of an exchange's dead letters; beyond it the oldest ones are dropped. */
export const MAX_DEAD_LETTERS = 10_000;

/** Reason of dead letters from a removed queue. */
export const QUEUE_REMOVED = 'queue_removed';

/** Options of a driver: those of `[rpc]`, times in milliseconds. */
export interface TransportOptions {
  /** Log of the connection. */
  readonly log: Logger;
  /** Name of a connection and its consumers at the broker, such as `<binary>@<host>:<pid>`. */
  readonly clientName: string;
  /** Limit of an attempt to connect. */
  readonly connectTimeoutMs: number;
  /** Interval of heartbeats; 0: none. */
  readonly heartbeatMs: number;
  /** First interval between attempts to connect. */
  readonly retryIntervalMs: number;
  /** Increment of that interval with each attempt. */
  readonly retryBackoffMs: number;
  /** Maximum of that interval. */
  readonly retryIntervalMaxMs: number;
  /** TLS, if the URL requests it. Default: the authorities that Node knows. */
  readonly tls?: TransportTls | undefined;
  /** Time for which the queue of a host is kept without a server. */
  readonly hostQueueTtlMs: number;
  /** Time for which the queues of a dead process are kept: fanouts, replies. */
  readonly transientQueueTtlMs: number;
  /** Type of shared queues. */
  readonly queueType: 'quorum' | 'classic';
  /** Redeliveries of a message before it is a dead letter: it is delivered once more than this. */
  readonly deliveryLimit: number;
  /** Keep messages that cannot be handled as dead letters. */
  readonly deadLetter: boolean;
  /** `[oslo_messaging_rabbit]`, for the wire of oslo.messaging. Default: its default values. */
  readonly oslo?: OsloQueues | undefined;
}

/** Declarations of shared queues and exchanges by services of oslo.messaging: all peers must agree. Default: false and 0, as there. */
export interface OsloQueues {
  readonly durable?: boolean | undefined;
  readonly autoDelete?: boolean | undefined;
  readonly quorum?: boolean | undefined;
  /** Redeliveries by quorum queues; 0: the limit of the broker. */
  readonly deliveryLimit?: number | undefined;
  readonly maxMemoryLength?: number | undefined;
  readonly maxMemoryBytes?: number | undefined;
  /** `x-ha-policy: all`. */
  readonly mirrored?: boolean | undefined;
  /** For exchanges of fanouts. */
  readonly durableFanout?: boolean | undefined;
}

/**
 * Returns the milliseconds before the next attempt, after a number of waits. Callers randomize it, so that they do not all come at once.
 */
export function retryWaitMs(
  {
    retryIntervalMs,
    retryBackoffMs,
    retryIntervalMaxMs,
  }: Pick<TransportOptions, 'retryIntervalMs' | 'retryBackoffMs' | 'retryIntervalMaxMs'>,
  waits: number,
): number {
  return Math.min(retryIntervalMs + waits * retryBackoffMs, retryIntervalMaxMs);
}

/** TLS options. The chain of the broker's certificate is always verified. */
export interface TransportTls {
  /** Use TLS even if the URL does not request it. Default false. */
  readonly isOn?: boolean | undefined;
  /** Certificates of the authorities, as PEM. */
  readonly ca?: string | Buffer | undefined;
  /** Certificate of this process, as PEM. */
  readonly cert?: string | Buffer | undefined;
  readonly key?: string | Buffer | undefined;
}

/**
 * Target of a message, or source of a consumer: one consumer of the topic, the consumer of one host (`server`), or a copy to every consumer
 * (`fanout`). A driver may join the names by dots: see `route.ts`.
 */
export interface Route {
  /** Separates applications of one broker, including their fanouts. */
  readonly exchange: string;
  readonly topic: string;
  /** A host. Workers of one host share its queue. */
  readonly server?: string | undefined;
  /** All present consumers. Not together with `server`. */
  readonly fanout?: boolean | undefined;
  /** With `fanout`, for a message: only consumers of Portico, where those of Python hear fanouts too. */
  readonly isOwn?: boolean | undefined;
}

/** A message. A driver does not change the body. */
export interface Message {
  /** Unique for each send; a retry of the same send has the same id. */
  readonly id: string;
  readonly body: Uint8Array;
  /** Address of replies: see {@link Transport.consumeReplies}. */
  readonly replyTo?: string | undefined;
  /** For a delivered message: `ttlMs` of its publish, if the driver knows it; not what is left of it. */
  readonly ttlMs?: number | undefined;
}

/** Options of a publish. */
export interface PublishOptions {
  /** Milliseconds that the message may wait for a consumer; then it is a dead letter. Default: no limit. */
  readonly ttlMs?: number | undefined;
  /** Reject with `NoServers` if there is no queue for it: of a topic, a host, a fanout or replies. Default false: the message is dropped. */
  readonly mandatory?: boolean | undefined;
  /** Milliseconds to wait for the broker's confirmation. Default 30,000. */
  readonly timeoutMs?: number | undefined;
}

/** Options of a consumer. */
export interface ConsumeOptions {
  /** Number of deliveries that may be unsettled at a time. At least 1. */
  readonly prefetch: number;
}

/** Reason why a message is a dead letter. */
export interface Death {
  readonly reason: string;
  /** Its original queue, by the broker's name: an address that it can be published to again. */
  readonly queue: string;
  /** Time, in milliseconds since 1970 by the clock of the broker or of the consumer that refused it. */
  readonly at: number;
}

/** Options of a return. */
export interface RequeueOptions {
  /** Milliseconds until it is redelivered, for which this consumer holds it. Default: none. */
  readonly delayMs?: number;
}

/** A message delivered to a consumer, which settles it once, by one of three methods. */
export interface Delivery {
  readonly message: Message;
  /** True if it was delivered before, and returned. */
  readonly redelivered: boolean;
  /** Number of this delivery of the message, from 1, as counted by the broker. */
  readonly count: number;
  /**
   * True if it was delivered before by a broker that does not count deliveries: it may end each process that gets it. Then {@link
   * deadLetter} may follow {@link ack}, and keeps a copy.
   */
  readonly isUncounted?: boolean | undefined;
  readonly death?: Death | undefined;
  /**
   * Lets the broker forget it. Settles when that is written. Rejects with `DeliveryFailure` if its connection is lost: it will be
   * redelivered, perhaps to another consumer.
   */
  ack(): Promise<void>;
  /**
   * Returns it to the broker, at once or after `delayMs`. A message that was returned more often than `deliveryLimit` becomes a dead letter
   * with the reason `delivery_limit`. Never rejects: if the connection is lost, it is returned anyway.
   */
  requeue(options?: RequeueOptions): Promise<void>;
  /**
   * Makes it a dead letter, with a short reason. Never rejects, as {@link requeue}. Returns false if it does not become one: dead letters
   * are not kept and it was dropped, or it is returned.
   */
  deadLetter(reason: string): Promise<boolean>;
}

/** Handles a message. It must not throw; it may return before it has settled the delivery. */
export type OnDelivery = (delivery: Delivery) => void;

/** Receives messages until it is cancelled. After a loss of the connection the driver recreates it. */
export interface TransportConsumer {
  /** Settles when no more deliveries arrive. Unsettled ones can still be settled. Safe to call twice. */
  cancel(): Promise<void>;
}

/** Receives the replies to calls of this process. The driver acknowledges them. */
export interface ReplyConsumer extends TransportConsumer {
  /** Address to which servers publish replies. It does not change when the connection is re-established. */
  readonly address: string;
}

/** `blocked`: connected, but the broker accepts no messages (memory or disk alarm). `lost`: was connected, and reconnects. */
export type TransportState = 'new' | 'connected' | 'blocked' | 'lost' | 'closed';

/**
 * A connection to a broker, shared by all clients and servers of a process with the same URL. While it is lost, {@link publish} and {@link
 * declareQueue} reject with `DeliveryFailure` at once; the others that need the broker wait for it, or reject so. An error that is no
 * `PorticoError` is the cause of the one that users get: of `DeliveryUnknown` from {@link publish}, else of `DeliveryFailure`.
 */
export interface Transport {
  readonly state: TransportState;
  /** The URL without passwords, for logs and errors. */
  readonly name: string;
  /** The object that {@link MakeTransport} returned, in the transport of an `RPCConnection`, which several of them share. */
  readonly driver?: Transport;
  /** Calls back with each new state, and the reason of a loss, until the returned function is called. */
  onState(listener: (state: TransportState, reason?: string) => void): () => void;
  /**
   * Connects; settles when connected. Retries until `signal` is aborted, then rejects with `DeliveryFailure`. After the first connection
   * the driver reconnects by itself, without limit, until {@link close}. Rejects at once with `DeliveryFailure` if the broker refuses the
   * user and has never accepted it; the next call connects again. Safe to call twice. `retry`: number of further attempts after one that
   * failed, then it rejects with `DeliveryFailure`; default: no limit. 0: also rejects at once while a lost connection is re-established.
   */
  connect(signal?: AbortSignal, retry?: number): Promise<void>;
  /**
   * Settles when the broker has accepted the message (publisher confirm). `to`: a route, or the address of a reply consumer. Tries once:
   * rejects with `NoServers` (mandatory and no queue), `DeliveryFailure` (not connected, refused, blocked for `timeoutMs`: the broker does
   * not have it), `DeliveryUnknown` (sent, but the connection was lost or the time was up before the confirmation). Portico publishes
   * again after a `DeliveryFailure`, unless it is `final`: the broker would refuse the message again, because it is too large. A message
   * without a queue that is not mandatory is accepted.
   */
  publish(to: Route | string, message: Message, options?: PublishOptions): Promise<void>;
  /**
   * Receives messages of a route; settles when its queue exists and deliveries may arrive. The queues of a topic and of a host outlive
   * their consumers, that of a host for `hostQueueTtlMs`; the queue of a fanout belongs to this consumer and is deleted with it. Rejects
   * with `ConfigurationRefused` if the queue exists with other properties or the user may not declare it: then the service does not start.
   */
  consume(route: Route, options: ConsumeOptions, onDelivery: OnDelivery): Promise<TransportConsumer>;
  /** Creates the queue of a topic or a host, if it is missing: published messages wait there until they are consumed. Rejects as {@link consume}. */
  declareQueue(route: Route): Promise<void>;
  /** Receives replies, at a separate address. */
  consumeReplies(onMessage: (message: Message) => void): Promise<ReplyConsumer>;
  /** Passes the present dead letters of an exchange to `take`, oldest first, one by one; unsettled ones stay. */
  eachDeadLetter(exchange: string, take: (letter: Delivery) => Promise<void>): Promise<void>;
  /**
   * Removes the queue of a host; its messages become dead letters, with the reason `queue_removed`. Returns false if there is none, or if it
   * has a consumer.
   */
  removeQueue(route: Route): Promise<boolean>;
  /** Reports whether the queue of this name has a consumer. False if there is no such queue. */
  hasConsumer(queue: string): Promise<boolean>;
  /** Ends consumers, then the connection; unsettled deliveries are returned. Safe to call twice. */
  close(): Promise<void>;
}

/** Common part of drivers: their state, which starts with `new`, and its listeners. */
export class StatefulTransport {
  readonly #listeners = new Set<(state: TransportState, reason?: string) => void>();
  #state: TransportState = 'new';

  get state(): TransportState {
    return this.#state;
  }

  onState(listener: (state: TransportState, reason?: string) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Calls the listeners if the state has changed. `reason`: of a loss, for the log. */
  protected enter(state: TransportState, reason?: string): void {
    if (this.#state === state) return;
    this.#state = state;
    for (const listener of this.#listeners) listener(state, reason);
  }
}
