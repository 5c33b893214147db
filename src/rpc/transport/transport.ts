/**
 * The Transport contract: what carries messages between processes, as brokers do. A driver is a class that implements
 * {@link Transport}, and a line in `open-transport.ts`; `test/rpc/conformance.ts` says what it must do.
 *
 * The words are AMQP's: an exchange separates applications, a queue keeps messages until a consumer has acknowledged them, and
 * what cannot be delivered or is refused becomes a dead letter.
 */
import type { Logger } from '../../log/index.js';

/** Dead letters of an exchange beyond these push the oldest out. */
export const MAX_DEAD_LETTERS = 10_000;

/** Why what waited in a queue that is removed is dead. */
export const QUEUE_REMOVED = 'queue_removed';

/** Options of a driver: those of `[rpc]`, times in milliseconds. */
export interface TransportOptions {
  readonly log: Logger;
  /** Name of a connection and its consumers in the broker, such as `<binary>@<host>:<pid>`. */
  readonly clientName: string;
  readonly connectTimeoutMs: number;
  readonly heartbeatMs: number;
  /** Between two tries to connect: the first, how much more each, at most. */
  readonly retryIntervalMs: number;
  readonly retryBackoffMs: number;
  readonly retryIntervalMaxMs: number;
  /** In which order several hosts of the URL are tried. Default `shuffle`: an order of this process's own. */
  readonly failoverStrategy?: 'round-robin' | 'shuffle' | undefined;
  /** TLS, where the URL asks for it. Default: the authorities that Node knows. */
  readonly tls?: TransportTls | undefined;
  readonly hostQueueTtlMs: number;
  /** How long the queues of a process that is gone are kept: fanouts, replies. */
  readonly transientQueueTtlMs: number;
  readonly queueType: 'quorum' | 'classic';
  readonly deliveryLimit: number;
  readonly deadLetter: boolean;
  /** False: nothing is declared, only looked for. */
  readonly manageTopology: boolean;
  /** `[oslo_messaging_rabbit]`, for the wire of oslo.messaging. Default: what it has where nothing is written. */
  readonly oslo?: OsloQueues | undefined;
}

/** How services of oslo.messaging declare what they share: a peer has to do the same. Default: false and 0, as there. */
export interface OsloQueues {
  readonly durable?: boolean | undefined;
  readonly autoDelete?: boolean | undefined;
  readonly quorum?: boolean | undefined;
  /** Of quorum queues; 0: none. */
  readonly deliveryLimit?: number | undefined;
  readonly maxMemoryLength?: number | undefined;
  readonly maxMemoryBytes?: number | undefined;
  /** `x-ha-policy: all`. */
  readonly mirrored?: boolean | undefined;
  /** Of exchanges for fanouts. */
  readonly durableFanout?: boolean | undefined;
}

/** Milliseconds to wait before the next try, after so many waits. Callers spread it, so that they do not all come at once. */
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

/** How TLS is spoken. The chain of the broker's certificate is always verified. */
export interface TransportTls {
  /** Also where the URL does not say so. Default false. */
  readonly isOn?: boolean | undefined;
  /** Certificates of the authorities, in PEM form. */
  readonly ca?: string | Buffer | undefined;
  /** Certificate of this process, in PEM form. */
  readonly cert?: string | Buffer | undefined;
  readonly key?: string | Buffer | undefined;
  /** Default true. */
  readonly verifyHostname?: boolean | undefined;
}

/**
 * Target of a message, or source of a consumer: one consumer of the topic, the consumer of one host (`server`), or a
 * copy to every consumer (`fanout`). Names are such that a driver may join them by dots: see `route.ts`.
 */
export interface Route {
  /** Separates applications of one broker, fanouts included. */
  readonly exchange: string;
  readonly topic: string;
  /** A host. Workers of one host share its queue. */
  readonly server?: string | undefined;
  /** Everyone who consumes at the moment. Not together with `server`. */
  readonly fanout?: boolean | undefined;
  /** Calls whose messages need not outlive the broker: they have their own queue. Not together with `fanout`. */
  readonly transient?: boolean | undefined;
}

/** A message. A driver carries the body unchanged. */
export interface Message {
  /** Unique for each send; a repetition of the same send has the same. */
  readonly id: string;
  readonly body: Uint8Array;
  /** Of a reply: the id of the call. */
  readonly correlationId?: string | undefined;
  /** The address that replies are sent to: see {@link Transport.consumeReplies}. */
  readonly replyTo?: string | undefined;
  /** Of one that was delivered: how many milliseconds it might wait, where its driver tells. */
  readonly ttlMs?: number | undefined;
}

/** How a message is published. */
export interface PublishOptions {
  /** Milliseconds the message may wait for a consumer; then it is a dead letter. Default: for ever. */
  readonly ttlMs?: number | undefined;
  /** Rejects with `NoServers` where there is no queue for it. Default false: the message is dropped. */
  readonly mandatory?: boolean | undefined;
  /** Milliseconds to wait for the broker's confirmation. Default 30,000. */
  readonly timeoutMs?: number | undefined;
}

/** How messages are consumed. */
export interface ConsumeOptions {
  /** How many deliveries may be unsettled at a time. At least 1. */
  readonly prefetch: number;
}

/** How a message became a dead letter. */
export interface Death {
  readonly reason: string;
  /** The queue that had it, as the broker calls it: an address that it can be published to again. */
  readonly queue: string;
  /** When, in milliseconds since 1970 by the clock of the broker or of the consumer that refused it. */
  readonly at: number;
}

/** How a message is given back. */
export interface RequeueOptions {
  /** Milliseconds until it is delivered again. Default: none. */
  readonly delayMs?: number;
  /**
   * Of its returns so many count, because it was not begun each time. A broker that counts them all gets a copy in its place, and
   * after a crash between the two it has both. Default: one more than before.
   */
  readonly returns?: number | undefined;
}

/** A message that was given to this consumer. It settles it once, by one of three methods. */
export interface Delivery {
  readonly message: Message;
  /** It was delivered before, and came back. */
  readonly redelivered: boolean;
  /** Number of this delivery of the message, from 1, as far as the broker counts. */
  readonly count: number;
  readonly death?: Death | undefined;
  /**
   * The broker may forget it. Settles when that is written. Rejects with `DeliveryFailure` when the connection it came by is
   * lost: it will come again, perhaps to another consumer.
   */
  ack(): Promise<void>;
  /**
   * Gives it back, at once or after `delayMs`. A message that came back more often than `deliveryLimit` says becomes a dead
   * letter with the reason `delivery_limit`. Never rejects: where the connection is lost, it goes back anyway.
   */
  requeue(options?: RequeueOptions): Promise<void>;
  /**
   * Makes it a dead letter, with a reason of few words. Never rejects, as {@link requeue}. False where it is none: dead letters
   * are not kept and it was dropped, or it goes back.
   */
  deadLetter(reason: string): Promise<boolean>;
}

/** Handles a message. It must not throw; it may return before it has settled the delivery. */
export type OnDelivery = (delivery: Delivery) => void;

/** Takes messages until it is cancelled. After a loss of the connection the driver makes it anew by itself. */
export interface TransportConsumer {
  /** Settles when no more deliveries come. Those that are not settled yet can still be. Safe to call twice. */
  cancel(): Promise<void>;
}

/** Takes the replies to calls of this process. They are acknowledged by the driver. */
export interface ReplyConsumer extends TransportConsumer {
  /** The address that servers publish replies to. It stays when the connection is made anew. */
  readonly address: string;
}

/**
 * `blocked`: connected, and the broker accepts no messages (memory or disk alarm). `lost`: was connected, and tries to be again.
 */
export type TransportState = 'new' | 'connected' | 'blocked' | 'lost' | 'closed';

/** A connection to a broker, shared by all clients and servers of a process that have the same URL. */
export interface Transport {
  readonly state: TransportState;
  /** The URL without its passwords, for logs and errors. */
  readonly name: string;
  /** Called with each new state. The function it gives ends that. */
  onState(listener: (state: TransportState) => void): () => void;
  /**
   * Connects; settles when connected. Tries until `signal` is raised, then it rejects with `DeliveryFailure`. Once it was
   * connected the driver reconnects by itself, for ever, until {@link close}. Safe to call twice.
   */
  connect(signal?: AbortSignal): Promise<void>;
  /**
   * Settles when the broker has accepted the message (publisher confirm). `to` is a route, or the address of a reply consumer.
   * Tries once: rejects with `NoServers` (mandatory and no queue), `DeliveryFailure` (not connected, refused, blocked for
   * `timeoutMs`: the broker does not have it), `DeliveryUnknown` (sent, and the connection was lost or the time was up before
   * the confirmation). A message without a queue that is not mandatory is accepted.
   */
  publish(to: Route | string, message: Message, options?: PublishOptions): Promise<void>;
  /**
   * Takes messages of a route; settles once its queue exists and deliveries may come. The queues of a topic and of a host outlive
   * their consumers, that of a host for `hostQueueTtlMs`; that of a fanout is this consumer's alone and goes with it.
   */
  consume(route: Route, options: ConsumeOptions, onDelivery: OnDelivery): Promise<TransportConsumer>;
  /** Makes the queue of a topic or a host, where there is none: what is published waits there until something consumes it. */
  declareQueue(route: Route): Promise<void>;
  /** Takes replies, at its own address. */
  consumeReplies(onMessage: (message: Message) => void): Promise<ReplyConsumer>;
  /** Gives the dead letters of an exchange that are there now to `take`, the oldest first, one by one; those it does not settle stay. */
  eachDeadLetter(exchange: string, take: (letter: Delivery) => Promise<void>): Promise<void>;
  /**
   * Removes the queue of a host; what waits in it becomes dead letters, with the reason `queue_removed`. False where there is none, where
   * something consumes from it, or `manageTopology` leaves that to an administrator.
   */
  removeQueue(route: Route): Promise<boolean>;
  /** Whether something consumes from the queue of this name. False where there is none. */
  hasConsumer(queue: string): Promise<boolean>;
  /** Ends consumers, then the connection; deliveries that are not settled go back. Safe to call twice. */
  close(): Promise<void>;
}

/** Common part of drivers: their state, which begins with `new`, and its listeners. */
export class StatefulTransport {
  readonly #listeners = new Set<(state: TransportState) => void>();
  #state: TransportState = 'new';

  get state(): TransportState {
    return this.#state;
  }

  onState(listener: (state: TransportState) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Tells the listeners, where it is another one. */
  protected enter(state: TransportState): void {
    if (this.#state === state) return;
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }
}
