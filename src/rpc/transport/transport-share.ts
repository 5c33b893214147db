/**
 * One user's share in a transport: consumers are its own, the connection is everyone's.
 */
import { DeliveryFailure } from '../errors.js';
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
  TransportState,
} from './transport.js';

/** Forwards to a transport; closing it ends its own consumers and listeners. */
export class TransportShare implements Transport {
  readonly #transport: Transport;
  readonly #release: () => Promise<void>;
  readonly #consumers = new Set<TransportConsumer>();
  readonly #listeners = new Set<() => void>();
  #closing: Promise<void> | undefined;

  constructor(transport: Transport, release: () => Promise<void>) {
    this.#transport = transport;
    this.#release = release;
  }

  get state(): TransportState {
    return this.#closing === undefined ? this.#transport.state : 'closed';
  }

  get name(): string {
    return this.#transport.name;
  }

  onState(listener: (state: TransportState) => void): () => void {
    const forget = this.#transport.onState(listener);
    this.#listeners.add(forget);
    return () => {
      this.#listeners.delete(forget);
      forget();
    };
  }

  connect(signal?: AbortSignal): Promise<void> {
    return this.#transport.connect(signal);
  }

  publish(to: Route | string, message: Message, options?: PublishOptions): Promise<void> {
    return this.#transport.publish(to, message, options);
  }

  consume(route: Route, options: ConsumeOptions, onDelivery: OnDelivery): Promise<TransportConsumer> {
    return this.#own(this.#transport.consume(route, options, onDelivery));
  }

  consumeReplies(onMessage: (message: Message) => void): Promise<ReplyConsumer> {
    return this.#own(this.#transport.consumeReplies(onMessage));
  }

  eachDeadLetter(exchange: string, take: (letter: Delivery) => Promise<void>): Promise<void> {
    return this.#transport.eachDeadLetter(exchange, take);
  }

  removeQueue(route: Route): Promise<boolean> {
    return this.#transport.removeQueue(route);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #own<T extends TransportConsumer>(begun: Promise<T>): Promise<T> {
    const consumer = await begun;
    if (this.#closing !== undefined) {
      await consumer.cancel();
      throw new DeliveryFailure({ message: `${this.name} was closed before it consumed` });
    }
    this.#consumers.add(consumer);
    const cancel = async (): Promise<void> => {
      await consumer.cancel();
      this.#consumers.delete(consumer);
    };
    return { ...consumer, cancel };
  }

  async #close(): Promise<void> {
    for (const forget of this.#listeners) forget();
    await Promise.all([...this.#consumers].map((consumer) => consumer.cancel()));
    await this.#release();
  }
}
