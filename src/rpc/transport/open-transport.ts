/**
 * Chooses the driver of a transport URL, and shares one transport among all of a process that have the same URL.
 */
import { ConfigurationRefused, nearestOrAll } from '../../errors/index.js';
import { DeliveryFailure } from '../errors.js';
import { amqpTransport } from './amqp/amqp-transport.js';
import { memoryTransport } from './memory/memory-transport.js';
import { osloTransport } from './oslo/oslo-transport.js';
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
} from './transport.js';
import { parseTransportUrl, type TransportUrl } from './transport-url.js';

/** A driver: makes a transport that is not connected yet. */
type MakeTransport = (url: TransportUrl, options: TransportOptions) => Transport;

/** Drivers, by the scheme of their URLs. */
const DRIVERS: Readonly<Record<string, MakeTransport>> = {
  memory: memoryTransport,
  amqp: amqpTransport,
  amqps: amqpTransport,
  'oslo+rabbit': osloTransport,
  'oslo+amqps': osloTransport,
};

/** Whether the transport of a URL speaks the wire of oslo.messaging. */
export function isOslo({ driver }: Pick<TransportUrl, 'driver'>): boolean {
  return DRIVERS[driver] === osloTransport;
}

/**
 * Makes the transport of a URL; it is not connected yet. Throws `PORTICO_RPC_URL` for a URL that cannot be read, or whose driver
 * there is not.
 */
export function makeTransport(text: string, options: TransportOptions): Transport {
  const url = checkTransportUrl(text);
  for (const warning of url.warnings) options.log.warn(warning);
  return DRIVERS[url.driver]!(url, options);
}

/** Reads a URL whose driver there is. Throws as {@link makeTransport}. */
export function checkTransportUrl(text: string): TransportUrl {
  const url = parseTransportUrl(text);
  if (Object.hasOwn(DRIVERS, url.driver)) return url;
  throw new ConfigurationRefused('PORTICO_RPC_URL', {
    message: `there is no transport ${url.driver}://`,
    hint: nearestOrAll(url.driver, Object.keys(DRIVERS)),
  });
}

/** The transports of this process that are shared, by URL: a connection belongs to a process and not to one of its services. */
const shared = new Map<string, { readonly transport: Transport; users: number }>();

/**
 * A share in the transport of a URL, which all of a process that ask for that URL have together; the options are those of the
 * first. Closing a share ends what was consumed through it; the transport is closed with the last. Throws as {@link makeTransport}.
 */
export function shareTransport(text: string, options: TransportOptions): Transport {
  const used = shared.get(text) ?? { transport: makeTransport(text, options), users: 0 };
  shared.set(text, used);
  used.users += 1;
  return new TransportShare(used.transport, async () => {
    used.users -= 1;
    if (used.users > 0) return;
    shared.delete(text);
    await used.transport.close();
  });
}

/** Forwards to a transport; closing it ends its own consumers and listeners. */
class TransportShare implements Transport {
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

  declareQueue(route: Route): Promise<void> {
    return this.#transport.declareQueue(route);
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

  hasConsumer(queue: string): Promise<boolean> {
    return this.#transport.hasConsumer(queue);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #own<T extends TransportConsumer>(begun: Promise<T>): Promise<T> {
    const consumer = await begun;
    if (this.#closing !== undefined) {
      await consumer.cancel();
      throw new DeliveryFailure({ message: `${this.name} was closed before it started to consume` });
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
