/**
 * `memory://`: a transport inside one process, with the rules of a broker. For applications with one process, and for tests, which can move
 * messages one by one and lose the connection.
 */
import { randomUUID } from 'node:crypto';
import { DeliveryFailure } from '../../errors.js';
import { describeRoute, noQueue } from '../route.js';
import {
  type ConsumeOptions,
  type Delivery,
  type Message,
  type OnDelivery,
  type PublishOptions,
  type ReplyConsumer,
  type Route,
  StatefulTransport,
  type Transport,
  type TransportConsumer,
  type TransportOptions,
} from '../transport.js';
import type { TransportUrl } from '../transport-url.js';
import { MemoryBroker, type MemoryQueue, QueueConsumer } from './memory-broker.js';

/** A connection to a {@link MemoryBroker}. */
export class MemoryTransport extends StatefulTransport implements Transport {
  readonly name: string;
  readonly #broker: MemoryBroker;
  readonly #consumers = new Set<QueueConsumer>();
  #failures: Error[] = [];

  constructor(broker: MemoryBroker, name = 'memory://') {
    super();
    this.#broker = broker;
    this.name = name;
  }

  async connect(): Promise<void> {
    if (this.state === 'new') this.enter('connected');
  }

  async publish(to: Route | string, message: Message, options: PublishOptions = {}): Promise<void> {
    if (this.state !== 'connected') {
      throw new DeliveryFailure({ message: `${this.name} is not connected: message ${message.id} was not sent` });
    }
    const failure = this.#failures.shift();
    // Like a broker that received the message, and was lost before it confirmed.
    if (failure !== undefined) {
      if (failure.name === 'DeliveryUnknown') this.#broker.publish(to, message, options);
      throw failure;
    }
    if (this.#broker.publish(to, message, options) || options.mandatory !== true) return;
    throw noQueue(describeRoute(to));
  }

  async consume(route: Route, { prefetch }: ConsumeOptions, onDelivery: OnDelivery): Promise<TransportConsumer> {
    return this.#take(this.#broker.queue(route, randomUUID()), prefetch, onDelivery);
  }

  async declareQueue(route: Route): Promise<void> {
    this.#broker.queue(route, '');
  }

  async consumeReplies(onMessage: (message: Message) => void): Promise<ReplyConsumer> {
    const address = `reply_${randomUUID()}`;
    const take: OnDelivery = ({ message, ack }) => {
      void ack();
      onMessage(message);
    };
    return { ...this.#take(this.#broker.replyQueue(address), Number.POSITIVE_INFINITY, take), address };
  }

  async eachDeadLetter(exchange: string, take: (letter: Delivery) => Promise<void>): Promise<void> {
    await this.#broker.deadLetters(exchange).each(take);
  }

  async removeQueue(route: Route): Promise<boolean> {
    return this.#broker.removeQueue(route);
  }

  async hasConsumer(queue: string): Promise<boolean> {
    return this.#broker.isConsumed(queue);
  }

  async close(): Promise<void> {
    if (this.state === 'closed') return;
    this.#return();
    for (const consumer of this.#consumers) this.#end(consumer);
    this.#consumers.clear();
    this.enter('closed');
  }

  /** Loses the connection, as when a broker restarts: nothing is sent, and unsettled messages are returned. For tests. */
  lose(): void {
    this.enter('lost');
    for (const consumer of this.#consumers) consumer.queue.remove(consumer);
    this.#return();
  }

  /** Restores the connection. For tests. */
  restore(): void {
    for (const consumer of this.#consumers) if (!consumer.isCancelled) consumer.queue.add(consumer);
    this.enter('connected');
  }

  /**
   * Makes the next publishes reject with these errors, one each; with `DeliveryUnknown` the broker has the message regardless. For tests.
   */
  failNext(...failures: Error[]): void {
    this.#failures.push(...failures);
  }

  #take(queue: MemoryQueue, prefetch: number, onDelivery: OnDelivery): TransportConsumer {
    const consumer = new QueueConsumer(queue, prefetch, onDelivery);
    this.#forgetEnded();
    this.#consumers.add(consumer);
    queue.add(consumer);
    return {
      cancel: async () => {
        this.#end(consumer);
        this.#forgetEnded();
      },
    };
  }

  #end(consumer: QueueConsumer): void {
    const { queue } = consumer;
    queue.remove(consumer);
    if (queue.kind.isTransient === true) this.#broker.forget(queue);
    consumer.isCancelled = true;
  }

  #forgetEnded(): void {
    for (const consumer of this.#consumers) {
      if (consumer.isCancelled && consumer.unsettled.size === 0) this.#consumers.delete(consumer);
    }
  }

  #return(): void {
    for (const consumer of this.#consumers) {
      for (const entry of [...consumer.unsettled].reverse()) consumer.queue.giveBack(consumer, entry);
    }
  }
}

/** Brokers with a transport, by name: transports of the same name share one. */
const brokers = new Map<string, { readonly broker: MemoryBroker; transports: number }>();

/** Driver of `memory://name`. */
export function memoryTransport(url: TransportUrl, options: TransportOptions): Transport {
  const name = url.shown;
  const used = brokers.get(name) ?? { broker: new MemoryBroker(options), transports: 0 };
  brokers.set(name, used);
  used.transports += 1;
  const transport = new MemoryTransport(used.broker, name);
  transport.onState((state) => {
    if (state !== 'closed') return;
    used.transports -= 1;
    if (used.transports === 0) brokers.delete(name);
  });
  return transport;
}
