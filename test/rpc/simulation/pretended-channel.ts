/** Channels of `rabbitmq-client`, and their ends at the broker. */
import { EventEmitter } from 'node:events';
import type { Envelope } from 'rabbitmq-client';
import {
  type BrokerConsumer,
  type BrokerQueue,
  type PretendedBroker,
  Refusal,
  type Stored,
} from './pretended-broker.js';
import type { PretendedConnection } from './pretended-connection.js';

interface ExchangeDeclaration {
  readonly exchange: string;
  readonly type?: string;
  readonly autoDelete?: boolean;
}

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

/** A channel at the end of a process. */
export class PretendedChannel extends EventEmitter {
  active = true;
  readonly #connection: PretendedConnection;
  readonly #served: BrokerChannel;
  readonly #waiting = new Set<Waiting>();
  readonly #handlers = new Map<string, (message: object) => void>();
  /** Ids of messages by their numbers. */
  readonly #delivered = new Map<number, string>();

  constructor(connection: PretendedConnection) {
    super();
    this.#connection = connection;
    this.#served = new BrokerChannel(connection, this);
  }

  /** Asks the broker. A refusal closes the channel. */
  ask<T>(answer: (broker: PretendedBroker) => T, delayMs = 0): Promise<T> {
    if (!this.active) return Promise.reject(closed());
    const { up, network } = this.#connection;
    return new Promise<T>((resolve, reject) => {
      const waiting = { resolve, reject };
      this.#waiting.add(waiting);
      up.send(() => {
        try {
          const value = answer(network.broker);
          const tell = (): void => this.#hears(() => this.#waiting.delete(waiting) && resolve(value));
          if (delayMs === 0) tell();
          else network.clock.after(delayMs, tell);
        } catch (error) {
          this.#refused(waiting, error as Error);
        }
      });
    });
  }

  basicPublish(envelope: Envelope, body: Buffer): Promise<void> {
    const { exchange = '', routingKey = '', mandatory, ...properties } = envelope;
    const connection = this.#connection;
    const { network } = connection;
    return this.ask((broker) => {
      if (network.refuses()) throw new Refusal('NACK', 'message rejected by server');
      let routed = 0;
      for (let copies = network.arrived(envelope, body); copies > 0; copies--)
        routed = broker.publish(exchange, routingKey, properties, body);
      if (routed === 0) network.unrouted(body);
      if (mandatory === true && routed === 0)
        this.#hears(() => setImmediate(() => this.emit('basic.return', { ...envelope })));
      if (network.isAlarmed) connection.block();
    }, network.confirmMs());
  }

  basicAck({
    deliveryTag: tag,
    multiple = false,
  }: {
    readonly deliveryTag: number;
    readonly multiple?: boolean;
  }): void {
    if (!this.active) throw closed();
    const tags = multiple ? [...this.#delivered.keys()].filter((each) => each <= tag) : [tag];
    for (const each of tags) {
      const id = this.#delivered.get(each);
      if (id !== undefined) this.#connection.peer.acknowledged.add(id);
      // The broker has returned the message already, and the peer has not noticed.
      if (id !== undefined && !this.#connection.isServed) this.#connection.network.unheard(id);
      this.#delivered.delete(each);
    }
    this.#connection.up.send(() => this.#served.settle(tags, () => undefined));
  }

  basicNack({ deliveryTag: tag, requeue = true }: { readonly deliveryTag: number; readonly requeue?: boolean }): void {
    if (!this.active) throw closed();
    this.#delivered.delete(tag);
    const { up } = this.#connection;
    up.send(() =>
      this.#served.settle([tag], (queue, message) =>
        requeue ? queue.giveBack([message]) : queue.bury(message, 'rejected'),
      ),
    );
  }

  confirmSelect(): Promise<void> {
    return this.ask(() => undefined);
  }

  basicQos({ prefetchCount = 0 }: { readonly prefetchCount?: number }): Promise<void> {
    return this.ask(() => {
      this.#served.prefetch = prefetchCount;
    });
  }

  basicConsume(
    { queue, consumerTag, exclusive = false }: { queue: string; consumerTag: string; exclusive?: boolean },
    handle: (message: object) => void,
  ): Promise<void> {
    this.#handlers.set(consumerTag, handle);
    return this.ask((broker) => this.#served.consume(broker.queue(queue), consumerTag, exclusive));
  }

  async basicCancel(consumerTag: string): Promise<void> {
    await this.ask(() => this.#served.cancel(consumerTag));
    this.#handlers.delete(consumerTag);
  }

  basicGet(queue: string): Promise<object | undefined> {
    return this.ask((broker) => {
      const from = broker.queue(queue);
      const message = from.take();
      return message === undefined ? undefined : this.#pass(from, message);
    });
  }

  queueDeclare(options: {
    readonly queue: string;
    readonly passive?: boolean;
    readonly exclusive?: boolean;
    readonly arguments?: Readonly<Record<string, string | number>>;
  }): Promise<{ readonly messageCount: number; readonly consumerCount: number }> {
    const { queue: name, passive = false, exclusive = false, arguments: args = {} } = options;
    return this.ask((broker) => {
      const owner = exclusive ? this.#connection : undefined;
      const { ready, consumers } = broker.declareQueue(name, { args, passive, owner });
      return { messageCount: ready.length, consumerCount: consumers.size };
    });
  }

  exchangeDeclare({ exchange, type = 'direct', autoDelete = false }: ExchangeDeclaration): Promise<void> {
    return this.ask((broker) => broker.declareExchange(exchange, type, autoDelete));
  }

  queueBind({ queue, exchange, routingKey }: { queue: string; exchange: string; routingKey: string }): Promise<void> {
    return this.ask((broker) => broker.bind(queue, exchange, routingKey));
  }

  queueUnbind({ queue, exchange, routingKey }: { queue: string; exchange: string; routingKey: string }): Promise<void> {
    return this.ask((broker) => broker.unbind(queue, exchange, routingKey));
  }

  queueDelete({ queue }: { readonly queue: string }): Promise<void> {
    return this.ask((broker) => broker.delete(queue));
  }

  async close(): Promise<void> {
    if (!this.active) return;
    const ended = this.ask(() => this.#served.end()).catch(() => undefined);
    this.active = false;
    await ended;
    this.clear();
  }

  clear(error: Error = closed()): void {
    if (!this.#connection.channels.has(this)) return;
    this.active = false;
    for (const { reject } of this.#waiting) reject(error);
    this.#waiting.clear();
    this.emit('close');
  }

  /** The broker delivers a message. */
  receive(consumerTag: string, queue: BrokerQueue, message: Stored): void {
    const raw = this.#pass(queue, message);
    this.#hears(() => {
      const handle = this.#handlers.get(consumerTag);
      if (handle === undefined) return;
      const { arrived } = this.#connection.peer;
      const { messageId = '' } = message.properties;
      arrived.set(messageId, this.#connection.network.clock.now());
      setImmediate(() => handle(raw));
    });
  }

  /** The broker has taken the queue away. */
  cancelled(consumerTag: string): void {
    this.#hears(() => {
      this.#handlers.delete(consumerTag);
      setImmediate(() => this.emit('basic.cancel', consumerTag));
    });
  }

  #pass(queue: BrokerQueue, message: Stored): object {
    const deliveryTag = this.#served.give(queue, message);
    const { properties, body, exchange, routingKey, redelivered, returns } = message;
    this.#delivered.set(deliveryTag, properties.messageId ?? '');
    const counted = queue.isQuorum && returns > 0 && { 'x-delivery-count': returns };
    const headers = { ...properties.headers, ...counted };
    return { ...properties, headers, body, exchange, routingKey, redelivered, deliveryTag };
  }

  #hears(work: () => void): void {
    this.#connection.down.send(work);
  }

  #refused(waiting: Waiting, error: Error): void {
    if (!(error instanceof Refusal)) throw error;
    if (error.code !== 'NACK') this.#served.end();
    this.#hears(() => {
      if (this.#waiting.delete(waiting)) waiting.reject(error);
      if (error.code !== 'NACK') this.clear();
    });
  }
}

/** A channel at the broker's end. */
export class BrokerChannel {
  prefetch = 0;
  readonly #connection: PretendedConnection;
  readonly #channel: PretendedChannel;
  readonly #consumers = new Map<string, { readonly queue: BrokerQueue; readonly consumer: BrokerConsumer }>();
  readonly #unsettled = new Map<number, { readonly queue: BrokerQueue; readonly message: Stored }>();
  #tags = 0;

  constructor(connection: PretendedConnection, channel: PretendedChannel) {
    this.#connection = connection;
    this.#channel = channel;
    connection.served.add(this);
  }

  consume(queue: BrokerQueue, tag: string, exclusive: boolean): void {
    const isFree = (): boolean => this.prefetch === 0 || this.#unsettled.size < this.prefetch;
    const consumer: BrokerConsumer = {
      exclusive,
      get isFree() {
        return isFree();
      },
      deliver: (message) => this.#channel.receive(tag, queue, message),
      cancelled: () => {
        this.#consumers.delete(tag);
        this.#channel.cancelled(tag);
      },
    };
    this.#consumers.set(tag, { queue, consumer });
    queue.add(consumer);
  }

  cancel(tag: string): void {
    const { queue, consumer } = this.#consumers.get(tag) ?? {};
    if (queue !== undefined) queue.remove(consumer!);
    this.#consumers.delete(tag);
  }

  /** Number of messages that it has. */
  get unsettled(): number {
    return this.#unsettled.size;
  }

  /** Notes that the channel has a message. Returns its number. */
  give(queue: BrokerQueue, message: Stored): number {
    this.#tags += 1;
    this.#unsettled.set(this.#tags, { queue, message });
    return this.#tags;
  }

  settle(tags: readonly number[], how: (queue: BrokerQueue, message: Stored) => void): void {
    const queues = new Set<BrokerQueue>();
    for (const tag of tags) {
      const held = this.#unsettled.get(tag);
      if (held === undefined) continue;
      this.#unsettled.delete(tag);
      queues.add(held.queue);
      how(held.queue, held.message);
    }
    for (const { queue } of this.#consumers.values()) queues.add(queue);
    for (const queue of queues) queue.deliver();
  }

  end(): void {
    this.#connection.served.delete(this);
    for (const tag of this.#consumers.keys()) this.cancel(tag);
    const held = [...this.#unsettled.values()];
    this.#unsettled.clear();
    const { network, peer } = this.#connection;
    for (const { message } of held) network.returned(message, peer);
    for (const queue of new Set(held.map((each) => each.queue))) {
      queue.giveBack(held.filter((each) => each.queue === queue).map(({ message }) => message));
    }
  }
}

function closed(): Refusal {
  return new Refusal('CH_CLOSE', 'channel is closed');
}
