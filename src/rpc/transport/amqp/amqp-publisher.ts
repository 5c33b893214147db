/**
 * Publishes over one connection, on a channel whose messages the broker confirms.
 */
import type { Channel, Connection, ReturnedMessage } from 'rabbitmq-client';
import type { Clock } from '../../../tasks/index.js';
import { within } from '../../../tasks/internal.js';
import { DeliveryFailure, DeliveryUnknown } from '../../errors.js';
import { describeRoute, noQueue } from '../route.js';
import type { Message, PublishOptions, Route, TransportOptions } from '../transport.js';
import { type AmqpLink, reasonOf } from './amqp-connection.js';
import { propertiesOf, type Remarks } from './amqp-message.js';
import { type Address, declareExchange, declareQueue, type QueuePlan, type Topology } from './amqp-topology.js';

const TIMEOUT_MS = 30_000;

/** What is published, and how. */
interface Shipment {
  readonly address: Address;
  readonly message: Message;
  readonly ttlMs: number | undefined;
  readonly mandatory: boolean;
  readonly remarks: Remarks | undefined;
  /** The receiver, and the message, as errors tell them. */
  readonly to: string;
  readonly what: string;
}

/** A message that was sent and is not confirmed. */
interface Unconfirmed {
  returned: boolean;
}

/** The channel of a connection, and the exchanges that are known to be there. */
interface Outlet {
  readonly channel: Channel;
  readonly exchanges: Map<string, Promise<void>>;
  /** By what a returned message has of its shipment. */
  readonly unconfirmed: Map<string, Unconfirmed[]>;
}

/** What it publishes by. */
export interface AmqpPublisherParts {
  readonly link: AmqpLink;
  readonly topology: Topology;
  readonly options: TransportOptions;
  readonly clock: Clock;
  /** Of the broker, for messages. */
  readonly name: string;
}

export class AmqpPublisher {
  readonly #parts: AmqpPublisherParts;
  readonly #outlets = new WeakMap<Connection, Promise<Outlet>>();
  /** For exchanges that go by themselves: a message for one that is gone closes the channel. */
  readonly #passing = new WeakMap<Connection, Promise<Outlet>>();

  constructor(parts: AmqpPublisherParts) {
    this.#parts = parts;
  }

  /** As `Transport.publish`. */
  publish(
    to: Route | string,
    message: Message,
    { ttlMs, mandatory = false, timeoutMs }: PublishOptions,
  ): Promise<void> {
    const receiver = describeRoute(to);
    const what = `message ${message.id} for ${receiver}`;
    const address = this.#parts.topology.addressOf(to);
    const shipment = { address, message, ttlMs, mandatory, remarks: undefined, to: receiver, what };
    return this.#send(shipment, timeoutMs);
  }

  /** Publishes a copy of a message that a consumer has, to a place that is there. */
  copy(address: Address, message: Message, remarks: Remarks, options: { readonly ttlMs?: number } = {}): Promise<void> {
    const to = address.exchange || address.routingKey;
    const what = `a copy of message ${message.id} for ${to}`;
    return this.#send({ address, message, ttlMs: options.ttlMs, mandatory: true, remarks, to, what });
  }

  /** Declares a queue that is not consumed. */
  async declare(plan: QueuePlan): Promise<void> {
    const { connection } = this.#parts.link;
    if (connection === undefined) throw new DeliveryFailure({ message: `${this.#parts.name} is not connected` });
    await this.#aside(connection, (channel) => declareQueue(channel, plan, this.#parts.options));
  }

  /** Closes its channel: what was published is written first. */
  async close(): Promise<void> {
    const { connection } = this.#parts.link;
    if (connection === undefined) return;
    for (const outlets of [this.#outlets, this.#passing]) {
      const outlet = await outlets.get(connection)?.catch(() => undefined);
      await outlet?.channel.close();
    }
  }

  async #send(shipment: Shipment, timeoutMs = TIMEOUT_MS): Promise<void> {
    const { what } = shipment;
    const clock = this.#parts.clock;
    const until = clock.now() + timeoutMs;
    const isLate = new AbortController();
    const outlet = await within(this.#ready(shipment, isLate.signal), { clock, ms: timeoutMs }, (): never => {
      isLate.abort();
      const why = this.#parts.link.isBlocked ? 'blocks those who publish (memory or disk alarm)' : 'does not answer';
      throw new DeliveryFailure({ message: `${this.#parts.name} ${why}: ${what} was not sent` });
    });
    const key = keyOf(shipment.address, shipment.message.id);
    const entry: Unconfirmed = { returned: false };
    outlet.unconfirmed.set(key, [...(outlet.unconfirmed.get(key) ?? []), entry]);
    try {
      await within(this.#transmit(outlet, shipment), { clock, ms: until - clock.now() }, () => {
        const hint = 'The broker may have it, or take it later.';
        throw new DeliveryUnknown({ message: `${this.#parts.name} did not confirm ${what} in time`, hint });
      });
      // The package tells of a returned message one turn after its confirmation.
      if (shipment.mandatory) await new Promise((resolve) => setImmediate(resolve));
    } finally {
      const others = outlet.unconfirmed.get(key)!.filter((each) => each !== entry);
      if (others.length === 0) outlet.unconfirmed.delete(key);
      else outlet.unconfirmed.set(key, others);
    }
    if (entry.returned) throw noQueue(shipment.to);
  }

  /** The channel, once the broker takes messages and the exchange is there. Gives up when `signal` is raised. */
  async #ready({ address, what }: Shipment, signal: AbortSignal): Promise<Outlet> {
    try {
      for (;;) {
        signal.throwIfAborted();
        const { connection } = this.#parts.link;
        if (connection === undefined) throw new Error('not connected');
        if (this.#parts.link.isBlocked) {
          await this.#parts.link.changed(signal);
          continue;
        }
        const outlet = await this.#outlet(connection, address);
        await this.#exchange(connection, outlet, address);
        if (outlet.channel.active && !this.#parts.link.isBlocked) return outlet;
        // The end of a channel is told a turn later.
        await new Promise((resolve) => setImmediate(resolve));
      }
    } catch (cause) {
      const { hint } = cause as { hint?: string };
      throw new DeliveryFailure({
        message: `${this.#parts.name}: ${what} was not sent: ${reasonOf(cause)}`,
        hint,
        cause,
      });
    }
  }

  async #transmit(outlet: Outlet, { address, message, ttlMs, mandatory, remarks, what }: Shipment): Promise<void> {
    const { exchange, routingKey } = address;
    const { body } = message;
    const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    try {
      await outlet.channel.basicPublish(
        {
          exchange,
          routingKey,
          mandatory,
          ...propertiesOf(message, this.#parts.options.clientName, remarks),
          ...(ttlMs !== undefined && { expiration: String(Math.max(0, Math.ceil(ttlMs))) }),
        },
        bytes,
      );
    } catch (cause) {
      const { code } = cause as { code?: unknown };
      if (code === 'NOT_FOUND' && isPassing(address)) {
        throw new DeliveryFailure({
          message: `${this.#parts.name}: ${what} was not sent: ${exchange} has gone`,
          cause,
        });
      }
      if (code === 'NACK') {
        throw new DeliveryFailure({
          message: `${this.#parts.name} refused ${what}`,
          hint: 'Its queue may be full.',
          cause,
        });
      }
      const hint = 'The broker may have it.';
      const message = `${this.#parts.name}: the channel was lost before ${what} was confirmed: ${reasonOf(cause)}`;
      throw new DeliveryUnknown({ message, hint, cause });
    }
  }

  #outlet(connection: Connection, address: Address): Promise<Outlet> {
    const outlets = isPassing(address) ? this.#passing : this.#outlets;
    const made = outlets.get(connection) ?? this.#open(connection, () => void outlets.delete(connection));
    outlets.set(connection, made);
    return made;
  }

  /** `renew`: the next message needs another one. */
  async #open(connection: Connection, renew: () => void): Promise<Outlet> {
    try {
      const channel = await connection.acquire({ emitErrorsFromChannel: true });
      const outlet: Outlet = { channel, exchanges: new Map(), unconfirmed: new Map() };
      channel.on('close', renew);
      // Those whose message it was are told, and the next one gets another channel.
      channel.on('error', () => {});
      channel.on('basic.return', ({ exchange, routingKey, messageId }: ReturnedMessage) => {
        const entries = outlet.unconfirmed.get(keyOf({ exchange, routingKey }, messageId));
        const entry = entries?.find(({ returned }) => !returned);
        if (entry !== undefined) entry.returned = true;
      });
      await channel.confirmSelect();
      return outlet;
    } catch (error) {
      renew();
      throw error;
    }
  }

  async #exchange(connection: Connection, { exchanges }: Outlet, address: Address): Promise<void> {
    if (address.exchange === '') return;
    const declare = (channel: Channel): Promise<void> => declareExchange(channel, address, this.#parts.options);
    if (isPassing(address)) return this.#aside(connection, declare);
    const declared = exchanges.get(address.exchange) ?? this.#aside(connection, declare);
    exchanges.set(address.exchange, declared);
    await declared.catch((error: unknown) => {
      exchanges.delete(address.exchange);
      throw error;
    });
  }

  /** On a channel of its own: a refusal closes it, and what others have published is not confirmed then. */
  async #aside(connection: Connection, work: (channel: Channel) => Promise<void>): Promise<void> {
    const channel = await connection.acquire({ emitErrorsFromChannel: true });
    channel.on('error', () => {});
    try {
      await work(channel);
    } finally {
      await channel.close();
    }
  }
}

/** Its exchange goes with the last queue that is bound to it. */
function isPassing({ properties }: Address): boolean {
  return properties?.autoDelete === true;
}

function keyOf({ exchange, routingKey }: Pick<Address, 'exchange' | 'routingKey'>, id: string | undefined): string {
  return `${exchange}\n${routingKey}\n${id}`;
}
