/**
 * `amqp://` and `oslo+rabbit://`: RabbitMQ. Uses two connections, because a broker under memory pressure stops reading from publishers, and
 * acknowledgements must get through.
 */
import { randomUUID } from 'node:crypto';
import { DeliveryFailure } from '../../errors.js';
import {
  type ConsumeOptions,
  type Delivery,
  type Message,
  type OnDelivery,
  type PublishOptions,
  QUEUE_REMOVED,
  type ReplyConsumer,
  type Route,
  StatefulTransport,
  type Transport,
  type TransportConsumer,
  type TransportOptions,
  type TransportState,
} from '../transport.js';
import { isOslo, type TransportUrl } from '../transport-url.js';
import { AmqpLink } from './amqp-connection.js';
import { AmqpConsumption, type ConsumptionParts } from './amqp-consumption.js';
import { DeliveryChannel, type DeliverySource } from './amqp-delivery.js';
import { AmqpPublisher } from './amqp-publisher.js';
import {
  deadQueue,
  findQueue,
  osloTopology,
  porticoTopology,
  type QueuePlan,
  type Topology,
  unbindQueue,
} from './amqp-topology.js';

/** Dead letters that are asked for together, each in its message: a reader that holds all of them would need their memory. */
const LETTERS_AT_ONCE = 100;

/** Number of replies in flight to this process. */
const REPLY_PREFETCH = 256;

/** RabbitMQ, with the exchanges and queues of a topology. */
export class AmqpTransport extends StatefulTransport implements Transport {
  readonly name: string;
  readonly #options: TransportOptions;
  readonly #topology: Topology;
  readonly #publishing: AmqpLink;
  readonly #consuming: AmqpLink;
  readonly #publisher: AmqpPublisher;
  readonly #consumptions = new Set<AmqpConsumption>();
  #connecting = 0;
  #closing: Promise<void> | undefined;

  constructor(url: TransportUrl, options: TransportOptions, topology: Topology) {
    super();
    this.name = url.shown;
    this.#options = options;
    this.#topology = topology;
    const link = (purpose: string): AmqpLink =>
      new AmqpLink({ url, options, name: `${options.clientName} ${purpose}` }, () => this.enter(this.#now()));
    this.#publishing = link('publishes');
    this.#consuming = link('consumes');
    this.#publisher = new AmqpPublisher({ link: this.#publishing, topology, options, name: url.shown });
  }

  async connect(signal?: AbortSignal, retry?: number): Promise<void> {
    this.#publishing.start();
    this.#connecting += 1;
    try {
      await this.#publishing.up(signal, retry);
    } finally {
      this.#connecting -= 1;
      if (this.#connecting === 0 && this.state === 'new') this.#publishing.stop();
    }
  }

  publish(to: Route | string, message: Message, options: PublishOptions = {}): Promise<void> {
    return this.#publisher.publish(to, message, options);
  }

  consume(route: Route, { prefetch }: ConsumeOptions, onDelivery: OnDelivery): Promise<TransportConsumer> {
    const plan = this.#topology.queueOfRoute(route, randomUUID());
    return this.#consume(plan, { prefetch, onReceived: (raw, deliveries) => onDelivery(deliveries.deliver(raw)) });
  }

  declareQueue(route: Route): Promise<void> {
    return this.#publisher.declare(this.#topology.queueOfRoute(route, ''));
  }

  async consumeReplies(onMessage: (message: Message) => void): Promise<ReplyConsumer> {
    const plan = this.#topology.replyQueue(randomUUID());
    const onReceived: ConsumptionParts['onReceived'] = (raw, deliveries) => {
      const { message, ack } = deliveries.deliver(raw);
      // After a loss of the connection it comes again; no call waits for it then.
      ack().catch(() => {});
      onMessage(message);
    };
    const consumption = await this.#consume(plan, { prefetch: REPLY_PREFETCH, onReceived, exclusive: true });
    return { address: plan.queue, cancel: () => consumption.cancel() };
  }

  async eachDeadLetter(exchange: string, take: (letter: Delivery) => Promise<void>): Promise<void> {
    const plan = deadQueue(exchange);
    await this.#onChannel(plan, async (letters) => {
      const { channel } = letters;
      for (let left = (await findQueue(channel, plan.queue))?.messageCount ?? 0; left > 0; left -= LETTERS_AT_ONCE) {
        const asked = Array.from({ length: Math.min(left, LETTERS_AT_ONCE) }, () => channel.basicGet(plan.queue));
        for (const raw of await Promise.all(asked)) if (raw !== undefined) await take(letters.deliver(raw));
      }
    });
  }

  async removeQueue(route: Route): Promise<boolean> {
    const plan = this.#topology.queueOfRoute(route, '');
    const { queue } = plan;
    return this.#onChannel(plan, async (deliveries) => {
      const { channel } = deliveries;
      const found = await findQueue(channel, queue);
      if (found === undefined || found.consumerCount > 0) return false;
      // First the binding goes: a quorum queue has no conditional delete.
      await unbindQueue(channel, plan);
      let dropped = 0;
      for (let raw = await channel.basicGet(queue); raw !== undefined; raw = await channel.basicGet(queue)) {
        if (!(await deliveries.deliver(raw).deadLetter(QUEUE_REMOVED))) dropped += 1;
      }
      if (dropped > 0) this.#options.log.warn(`${queue} is removed; ${dropped} waiting messages are dropped`);
      await channel.queueDelete({ queue });
      return true;
    });
  }

  async hasConsumer(queue: string): Promise<boolean> {
    return this.#onChannel({ queue, arguments: {} }, async ({ channel }) => {
      const found = await findQueue(channel, queue);
      return found !== undefined && found.consumerCount > 0;
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #onChannel<T>(plan: QueuePlan, work: (channel: DeliveryChannel) => Promise<T>): Promise<T> {
    const connection = await this.#publishing.up();
    const channel = await connection.acquire({ emitErrorsFromChannel: true });
    channel.on('error', () => {});
    const deliveries = new DeliveryChannel(channel, this.#sourceOf(plan));
    try {
      return await work(deliveries);
    } finally {
      await deliveries.close();
    }
  }

  async #consume(
    plan: QueuePlan,
    how: Pick<ConsumptionParts, 'prefetch' | 'onReceived' | 'exclusive'>,
  ): Promise<TransportConsumer> {
    if (this.state === 'new' || this.#closing !== undefined) {
      throw new DeliveryFailure({ message: `${this.name} is not connected: ${plan.queue} cannot be consumed` });
    }
    this.#consuming.start();
    const onEnd = (): void => void this.#consumptions.delete(consumption);
    const parts = { link: this.#consuming, source: this.#sourceOf(plan), onEnd };
    const consumption = new AmqpConsumption({ ...parts, ...how });
    this.#consumptions.add(consumption);
    await consumption.begin();
    return consumption;
  }

  #sourceOf(plan: QueuePlan): DeliverySource {
    return { plan, options: this.#options, publisher: this.#publisher };
  }

  async #close(): Promise<void> {
    const consumptions = [...this.#consumptions];
    const ended = Promise.all(consumptions.map((consumption) => consumption.close()));
    await this.#consuming.close(ended);
    await this.#publishing.close(this.#publisher.close());
    this.enter('closed');
  }

  /** Derived from its connections. */
  #now(): TransportState {
    if (this.state === 'closed' || this.#closing !== undefined) return this.state;
    if (this.#publishing.isLost || this.#consuming.isLost) return 'lost';
    if (this.#publishing.connection === undefined) return 'new';
    return this.#publishing.isBlocked ? 'blocked' : 'connected';
  }
}

/** Driver of `amqp://`, `oslo+rabbit://`, and both over TLS. */
export function amqpTransport(url: TransportUrl, options: TransportOptions): Transport {
  return new AmqpTransport(url, options, isOslo(url) ? osloTopology(options) : porticoTopology(options));
}
