/**
 * `memory://`: a transport inside one process, with the rules of a broker. For programs of one process, and for tests, which
 * can move messages one by one and lose the connection.
 */
import { randomUUID } from 'node:crypto';
import { DeliveryFailure } from '../../errors.js';
import { describeRoute, noQueue } from '../route.js';
import type {
  ConsumeOptions,
  Delivery,
  Message,
  OnDelivery,
  PublishOptions,
  ReplyConsumer,
  Route,
  Transport,
  TransportConsumer,
  TransportOptions,
  TransportState,
} from '../transport.js';
import { TransportStates } from '../transport-states.js';
import type { TransportUrl } from '../transport-url.js';
import { MemoryBroker } from './memory-broker.js';
import type { MemoryQueue, QueueConsumer } from './memory-queue.js';

/** What this transport consumes, and how that ends. */
interface Consumption {
  readonly queue: MemoryQueue;
  readonly consumer: QueueConsumer;
  readonly end: () => void;
  /** It takes nothing more; kept while something is left to be settled, which a loss of the connection gives back. */
  cancelled: boolean;
}

/** A connection to a {@link MemoryBroker}. */
export class MemoryTransport implements Transport {
  readonly name: string;
  readonly #broker: MemoryBroker;
  readonly #consumptions = new Set<Consumption>();
  readonly #states = new TransportStates();
  #failures: Error[] = [];

  constructor(broker: MemoryBroker, name = 'memory://') {
    this.#broker = broker;
    this.name = name;
  }

  get state(): TransportState {
    return this.#states.current;
  }

  onState(listener: (state: TransportState) => void): () => void {
    return this.#states.onState(listener);
  }

  async connect(): Promise<void> {
    if (this.#states.current === 'new') this.#states.enter('connected');
  }

  async publish(to: Route | string, message: Message, options: PublishOptions = {}): Promise<void> {
    if (this.#states.current !== 'connected') {
      throw new DeliveryFailure({ message: `${this.name} is not connected: message ${message.id} was not sent` });
    }
    const failure = this.#failures.shift();
    // As a broker that took the message, and was lost before it said so.
    if (failure !== undefined) {
      if (failure.name === 'DeliveryUnknown') this.#broker.publish(to, message, options);
      throw failure;
    }
    if (this.#broker.publish(to, message, options) || options.mandatory !== true) return;
    throw noQueue(describeRoute(to));
  }

  async consume(route: Route, { prefetch }: ConsumeOptions, onDelivery: OnDelivery): Promise<TransportConsumer> {
    if (route.fanout !== true) return this.#take(this.#broker.queue(route), prefetch, onDelivery);
    const { queue, end } = this.#broker.fanoutQueue(route, randomUUID());
    return this.#take(queue, prefetch, onDelivery, end);
  }

  async consumeReplies(onMessage: (message: Message) => void): Promise<ReplyConsumer> {
    const address = `reply_${randomUUID()}`;
    const { queue, end } = this.#broker.replyQueue(address);
    const take: OnDelivery = ({ message, ack }) => {
      void ack();
      onMessage(message);
    };
    return { ...this.#take(queue, Number.POSITIVE_INFINITY, take, end), address };
  }

  async eachDeadLetter(exchange: string, take: (letter: Delivery) => Promise<void>): Promise<void> {
    await this.#broker.deadLetters(exchange).each(take);
  }

  async removeQueue(route: Route): Promise<boolean> {
    return this.#broker.removeQueue(route);
  }

  async close(): Promise<void> {
    if (this.#states.current === 'closed') return;
    this.#return();
    for (const { queue, consumer, end } of this.#consumptions) {
      queue.remove(consumer);
      end();
    }
    this.#consumptions.clear();
    this.#states.enter('closed');
  }

  /** Loses the connection, as when a broker is restarted: nothing is sent, and what is not settled goes back. For tests. */
  lose(): void {
    this.#states.enter('lost');
    for (const { queue, consumer } of this.#consumptions) queue.remove(consumer);
    this.#return();
  }

  /** Has a connection again. For tests. */
  restore(): void {
    for (const { queue, consumer, cancelled } of this.#consumptions) if (!cancelled) queue.add(consumer);
    this.#states.enter('connected');
  }

  /** The next publishes reject so, one each; with `DeliveryUnknown` the broker has the message none the less. For tests. */
  failNext(...failures: Error[]): void {
    this.#failures.push(...failures);
  }

  #take(queue: MemoryQueue, prefetch: number, onDelivery: OnDelivery, end = (): void => {}): TransportConsumer {
    const consumption: Consumption = {
      queue,
      consumer: { prefetch, onDelivery, unsettled: new Set() },
      end,
      cancelled: false,
    };
    this.#forgetEnded();
    this.#consumptions.add(consumption);
    queue.add(consumption.consumer);
    return {
      cancel: async () => {
        queue.remove(consumption.consumer);
        end();
        consumption.cancelled = true;
        this.#forgetEnded();
      },
    };
  }

  #forgetEnded(): void {
    for (const consumption of this.#consumptions) {
      if (consumption.cancelled && consumption.consumer.unsettled.size === 0) this.#consumptions.delete(consumption);
    }
  }

  #return(): void {
    for (const { queue, consumer } of this.#consumptions) {
      for (const entry of [...consumer.unsettled].reverse()) queue.giveBack(consumer, entry);
    }
  }
}

/** Brokers that have a transport, by name: what makes transports of one name meet. */
const brokers = new Map<string, { readonly broker: MemoryBroker; transports: number }>();

/** The driver of `memory://name`. */
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
