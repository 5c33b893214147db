/**
 * A message that RabbitMQ delivered, and its channel.
 */
import type { Channel } from 'rabbitmq-client';
import { DeliveryFailure } from '../../errors.js';
import type { Delivery, Message, TransportOptions } from '../transport.js';
import { countsOf, deathOf, messageOf, type Received } from './amqp-message.js';
import type { AmqpPublisher } from './amqp-publisher.js';
import { deadLetterAddress, type QueuePlan } from './amqp-topology.js';

/** Queue of deliveries, and the parts for returning them. */
export interface DeliverySource {
  readonly plan: QueuePlan;
  readonly options: TransportOptions;
  readonly publisher: AmqpPublisher;
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Channel of one consumer: closed when the consumer has ended and all messages are settled. */
export class DeliveryChannel {
  readonly channel: Channel;
  readonly #source: DeliverySource;
  /** Unsettled messages, in the order of arrival. */
  readonly #unsettled = new Set<number>();
  /** Messages to acknowledge in the next turn of the event loop. */
  readonly #acknowledged = new Set<number>();
  #written: Promise<void> | undefined;
  /** Messages that are held until they are returned. */
  readonly #held = new Map<number, NodeJS.Timeout>();
  #isRetired = false;
  #isEnding = false;
  #isLost = false;

  constructor(channel: Channel, source: DeliverySource) {
    this.channel = channel;
    this.#source = source;
    channel.on('close', () => {
      this.#isLost = !this.#isEnding;
    });
  }

  /** Passes a message to a consumer. */
  deliver(raw: Received): Delivery {
    const { plan } = this.#source;
    const { deliveryTag: tag } = raw;
    const message = messageOf(raw);
    const counts = countsOf(raw);
    this.#unsettled.add(tag);
    let isSettled = false;
    const once = <T>(settle: () => Promise<T>): Promise<T | undefined> => {
      if (isSettled) return Promise.resolve(undefined);
      isSettled = true;
      return settle();
    };
    return {
      message,
      ...counts,
      death: deathOf(raw),
      ack: () => once(() => this.#ack(tag, `${plan.queue}: message ${message.id}`)),
      requeue: ({ delayMs = 0 } = {}) =>
        once(async () => {
          if (delayMs === 0 || this.#isRetired) this.#giveBack(tag, true);
          else this.#held.set(tag, setTimeout(() => this.#giveBack(tag, true), delayMs).unref());
        }),
      deadLetter: async (reason) => {
        if (isSettled && counts.isUncounted === true) return this.#keep(message, reason);
        return (await once(() => this.#bury(tag, message, reason))) === true;
      },
    };
  }

  /** Stops deliveries. */
  retire(): void {
    this.#isRetired = true;
    for (const tag of this.#held.keys()) this.#giveBack(tag, true);
    if (this.#unsettled.size === 0) void this.close();
  }

  /** Returns unsettled deliveries. Acknowledgements are written first. */
  close(): Promise<void> {
    if (this.channel.active) this.#writeAcks();
    this.#isEnding = true;
    return this.channel.close();
  }

  async #ack(tag: number, what: string): Promise<void> {
    this.#acknowledged.add(tag);
    // The end of a connection is known by the next turn. The one after it sends the bytes: then the message is not redelivered, even if its
    // method blocks the process or kills it.
    this.#written ??= nextTurn().then(() => {
      this.#writeAcks();
      return nextTurn();
    });
    try {
      await this.#written;
    } catch (cause) {
      throw lost(what, cause);
    }
    if (this.#isLost) throw lost(what);
    this.#settled(tag);
  }

  /** One acknowledgement covers all messages up to a number if no older one is unsettled. */
  #writeAcks(): void {
    const tags = new Set(this.#acknowledged);
    this.#acknowledged.clear();
    this.#written = undefined;
    let upTo: number | undefined;
    for (const tag of this.#unsettled) {
      if (!tags.delete(tag)) break;
      upTo = tag;
    }
    if (upTo !== undefined) this.channel.basicAck({ deliveryTag: upTo, multiple: true });
    for (const deliveryTag of tags) this.channel.basicAck({ deliveryTag });
  }

  /** A lost channel has returned it. */
  #ackQuietly(tag: number): void {
    if (this.channel.active) this.channel.basicAck({ deliveryTag: tag });
    this.#settled(tag);
  }

  #giveBack(tag: number, requeue: boolean): void {
    clearTimeout(this.#held.get(tag));
    this.#held.delete(tag);
    if (this.channel.active) this.channel.basicNack({ deliveryTag: tag, requeue });
    this.#settled(tag);
  }

  #settled(tag: number): void {
    this.#unsettled.delete(tag);
    if (this.#isRetired) this.retire();
  }

  async #bury(tag: number, message: Message, reason: string): Promise<boolean> {
    if (await this.#keep(message, reason)) {
      this.#ackQuietly(tag);
      return true;
    }
    // The broker makes it one, with its own reason, if the queue has a dead-letter exchange.
    const isKept = this.channel.active && 'x-dead-letter-exchange' in this.#source.plan.arguments;
    this.#giveBack(tag, false);
    return isKept;
  }

  /** Returns false if dead letters are not kept, or the broker does not accept it. */
  async #keep(message: Message, reason: string): Promise<boolean> {
    const { plan, options, publisher } = this.#source;
    const { queue, exchange } = plan;
    if (exchange === undefined || !options.deadLetter) return false;
    return succeeds(publisher.copy(deadLetterAddress(exchange), message, { reason, queue }));
  }
}

function lost(what: string, cause?: unknown): DeliveryFailure {
  return new DeliveryFailure({ message: `the connection was lost before ${what} was acknowledged`, cause });
}

async function succeeds(work: Promise<void>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch {
    return false;
  }
}
