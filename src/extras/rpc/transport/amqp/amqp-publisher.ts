/**
 * Publishes over one connection, on a channel with confirmations. The package's own publisher waits for a confirmation without a limit, and
 * reports a returned message by an event that does not identify the `send`.
 */
import { systemClock, within } from 'portico/tasks';
import type { Channel, Connection, ReturnedMessage } from 'rabbitmq-client';
import { DeliveryFailure, DeliveryUnknown } from '../../errors.js';
import { describeRoute, noQueue } from '../route.js';
import type { Message, PublishOptions, Route, TransportOptions } from '../transport.js';
import { type AmqpLink, reasonOf } from './amqp-connection.js';
import { propertiesOf, type Remarks } from './amqp-message.js';
import { type Address, declareExchange, declareQueue, type QueuePlan, type Topology } from './amqp-topology.js';

const TIMEOUT_MS = 30_000;

/** RabbitMQ's text for a message that exceeds its `max_message_size`. */
const TOO_LARGE = /is larger than (?:configured )?max size (\d+)/;

/** A message to publish, with its address and limits. */
interface Shipment {
  readonly address: Address;
  readonly message: Message;
  readonly ttlMs: number | undefined;
  readonly mandatory: boolean;
  readonly remarks: Remarks | undefined;
  /** Returns the receiver, for errors. */
  readonly to: () => string;
}

/** Returns the message and its receiver, for errors. */
function whatOf({ message, remarks, to }: Shipment): string {
  return `${remarks === undefined ? '' : 'a copy of '}message ${message.id} for ${to()}`;
}

/** A mandatory message that was sent and is not confirmed. */
interface Unconfirmed {
  readonly address: Address;
  readonly id: string;
  isReturned: boolean;
}

/** Channel of a connection. */
interface Outlet {
  readonly connection: Connection;
  readonly channel: Channel;
  /** Its exchanges: declared, or the declaration in progress. */
  readonly exchanges: Map<string, Promise<void> | 'declared'>;
  /** Mandatory messages, in the order of sending, in which the broker returns them. */
  readonly unconfirmed: Set<Unconfirmed>;
}

/** Parts of a publisher. */
export interface AmqpPublisherParts {
  readonly link: AmqpLink;
  readonly topology: Topology;
  readonly options: TransportOptions;
  /** Name of the broker, for messages. */
  readonly name: string;
}

export class AmqpPublisher {
  readonly #parts: AmqpPublisherParts;
  readonly #outlets = new WeakMap<Connection, Promise<Outlet>>();
  /** The newest channel. */
  #current: Outlet | undefined;
  /** For auto-delete exchanges: a message for a missing one closes the channel. */
  readonly #passing = new WeakMap<Connection, Promise<Outlet>>();
  /** Mandatory messages that were confirmed in this turn. */
  readonly #confirmed: (() => void)[] = [];
  /** True once its channels close: no other ones are opened. */
  #isClosed = false;

  constructor(parts: AmqpPublisherParts) {
    this.#parts = parts;
  }

  /** As `Transport.publish`. */
  publish(
    to: Route | string,
    message: Message,
    { ttlMs, mandatory = false, timeoutMs }: PublishOptions,
  ): Promise<void> {
    const address = this.#parts.topology.addressOf(to);
    const receiver = (): string => describeRoute(to);
    return this.#send({ address, message, ttlMs, mandatory, remarks: undefined, to: receiver }, timeoutMs);
  }

  /** Publishes a copy of a consumer's message, to an existing destination. */
  copy(
    address: Address,
    message: Message,
    remarks: Remarks,
    { ttlMs, timeoutMs }: Pick<PublishOptions, 'ttlMs' | 'timeoutMs'> = {},
  ): Promise<void> {
    const to = (): string => address.exchange || address.routingKey;
    return this.#send({ address, message, ttlMs, mandatory: true, remarks, to }, timeoutMs);
  }

  /** Declares a queue that is not consumed. */
  async declare(plan: QueuePlan): Promise<void> {
    const { connection } = this.#parts.link;
    if (connection === undefined) throw new DeliveryFailure({ message: `${this.#parts.name} is not connected` });
    await this.#aside(connection, (channel) => declareQueue(channel, plan, this.#parts.options));
  }

  /** Closes its channel after published messages were written. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const { connection } = this.#parts.link;
    if (connection === undefined) return;
    for (const outlets of [this.#outlets, this.#passing]) {
      const outlet = await outlets.get(connection)?.catch(() => undefined);
      await outlet?.channel.close();
    }
  }

  #send(shipment: Shipment, timeoutMs = TIMEOUT_MS): Promise<void> {
    const outlet = this.#outletNow(shipment.address);
    return outlet === undefined ? this.#sendLater(shipment, timeoutMs) : this.#transmit(outlet, shipment, timeoutMs);
  }

  /** Returns the channel, if no wait is needed. */
  #outletNow(address: Address): Outlet | undefined {
    const { link } = this.#parts;
    const outlet = this.#current;
    const isThere = outlet?.channel.active === true && outlet.connection === link.connection && !link.isBlocked;
    if (!isThere || isPassing(address)) return undefined;
    return address.exchange === '' || outlet.exchanges.get(address.exchange) === 'declared' ? outlet : undefined;
  }

  async #sendLater(shipment: Shipment, timeoutMs: number): Promise<void> {
    const { link, name } = this.#parts;
    const until = systemClock.now() + timeoutMs;
    const isLate = new AbortController();
    const outlet = await within(this.#ready(shipment, isLate.signal), timeoutMs, (): never => {
      isLate.abort();
      const why = link.isBlocked ? 'blocks publishers (memory or disk alarm)' : 'does not respond';
      throw new DeliveryFailure({ message: `${name} ${why}: ${whatOf(shipment)} was not sent` });
    });
    await this.#transmit(outlet, shipment, until - systemClock.now());
  }

  /** Returns the channel when the broker accepts messages and the exchange exists. Gives up when `signal` is aborted. */
  async #ready(shipment: Shipment, signal: AbortSignal): Promise<Outlet> {
    const { address } = shipment;
    try {
      for (;;) {
        signal.throwIfAborted();
        const { connection } = this.#parts.link;
        if (connection === undefined || this.#isClosed) throw new Error('not connected');
        if (this.#parts.link.isBlocked) {
          await this.#parts.link.changed(signal);
          continue;
        }
        const outlet = await this.#outlet(connection, address);
        await this.#exchange(connection, outlet, address);
        if (outlet.channel.active && !this.#parts.link.isBlocked) {
          if (!isPassing(address)) this.#current = outlet;
          return outlet;
        }
        // The end of a channel is reported a turn later.
        await new Promise((resolve) => setImmediate(resolve));
      }
    } catch (cause) {
      const { hint } = cause as { hint?: string };
      throw new DeliveryFailure({
        message: `${this.#parts.name}: ${whatOf(shipment)} was not sent: ${reasonOf(cause)}`,
        hint,
        cause,
      });
    }
  }

  /** Settles with the broker's confirmation; for a mandatory message when it is known whether it was returned. */
  #transmit(outlet: Outlet, shipment: Shipment, timeoutMs: number): Promise<void> {
    const { address, message, ttlMs, mandatory, remarks } = shipment;
    const { clientName } = this.#parts.options;
    const { body } = message;
    const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    const envelope = propertiesOf(message, clientName, remarks);
    envelope.exchange = address.exchange;
    envelope.routingKey = address.routingKey;
    envelope.mandatory = mandatory;
    if (ttlMs !== undefined) envelope.expiration = String(Math.max(0, Math.ceil(ttlMs)));
    const sent: Unconfirmed | undefined = mandatory ? { address, id: message.id, isReturned: false } : undefined;
    if (sent !== undefined) outlet.unconfirmed.add(sent);
    return new Promise((resolve, reject) => {
      const settle = (error?: unknown): void => {
        cancel();
        if (sent !== undefined) outlet.unconfirmed.delete(sent);
        if (error !== undefined) reject(error as Error);
        else if (sent?.isReturned === true) reject(noQueue(shipment.to()));
        else resolve();
      };
      // The connection keeps the process alive while confirmations are outstanding.
      const cancel = systemClock.after(timeoutMs, () => settle(this.#unconfirmed(shipment)), { unref: true });
      outlet.channel.basicPublish(envelope, bytes).then(
        () => (mandatory ? this.#settleLater(settle) : settle()),
        (cause: unknown) => settle(this.#refused(shipment, cause)),
      );
    });
  }

  /** The package reports a returned message one turn after its confirmation. Those that follow the first share one more turn. */
  #settleLater(settle: () => void): void {
    if (this.#confirmed.push(settle) > 1) return;
    setImmediate(() => {
      const [, ...later] = this.#confirmed.splice(0);
      settle();
      if (later.length === 0) return;
      setImmediate(() => {
        for (const each of later) each();
      });
    });
  }

  #unconfirmed(shipment: Shipment): DeliveryUnknown {
    return new DeliveryUnknown({
      message: `${this.#parts.name} did not confirm ${whatOf(shipment)} in time`,
      hint: 'The broker may have received it, or may still accept it.',
    });
  }

  #refused(shipment: Shipment, cause: unknown): DeliveryFailure | DeliveryUnknown {
    const what = whatOf(shipment);
    const { address } = shipment;
    const { code } = cause as { code?: unknown };
    if (code === 'NOT_FOUND' && isPassing(address)) {
      const message = `${this.#parts.name}: ${what} was not sent: ${address.exchange} no longer exists`;
      return new DeliveryFailure({ message, cause });
    }
    if (code === 'NACK') {
      const message = `${this.#parts.name} refused ${what}`;
      return new DeliveryFailure({ message, hint: 'Its queue may be full.', cause });
    }
    // The broker closes the channel, also for the messages of others that it had not confirmed: those may have arrived.
    const [, most] = TOO_LARGE.exec(code === 'PRECONDITION_FAILED' ? reasonOf(cause) : '') ?? [];
    if (shipment.message.body.length > Number(most)) {
      const message = `${this.#parts.name} refused ${what}: it has ${shipment.message.body.length} bytes, and the broker takes ${most}`;
      return new DeliveryFailure({
        message,
        hint: 'Send less, or raise max_message_size of the broker.',
        final: true,
        cause,
      });
    }
    const message = `${this.#parts.name}: the channel was closed before ${what} was confirmed: ${reasonOf(cause)}`;
    return new DeliveryUnknown({ message, hint: 'The broker may have received it.', cause });
  }

  #outlet(connection: Connection, address: Address): Promise<Outlet> {
    const outlets = isPassing(address) ? this.#passing : this.#outlets;
    const made = outlets.get(connection) ?? this.#open(connection, () => void outlets.delete(connection));
    outlets.set(connection, made);
    return made;
  }

  /** `renew`: called if the next message needs another channel. */
  async #open(connection: Connection, renew: () => void): Promise<Outlet> {
    try {
      const channel = await connection.acquire({ emitErrorsFromChannel: true });
      const outlet: Outlet = {
        connection,
        channel,
        exchanges: new Map(),
        unconfirmed: new Set(),
      };
      channel.on('close', renew);
      // The senders of its messages get the error, and the next message gets another channel.
      channel.on('error', () => {});
      channel.on('basic.return', ({ exchange, routingKey, messageId }: ReturnedMessage) => {
        // A send and its retry may be in progress, to different addresses.
        for (const sent of outlet.unconfirmed) {
          const { address, id, isReturned } = sent;
          const isIt = id === messageId && address.exchange === exchange && address.routingKey === routingKey;
          if (isReturned || !isIt) continue;
          sent.isReturned = true;
          return;
        }
      });
      await channel.confirmSelect();
      return outlet;
    } catch (error) {
      renew();
      throw error;
    }
  }

  async #exchange(connection: Connection, { exchanges }: Outlet, address: Address): Promise<void> {
    const { exchange } = address;
    if (exchange === '' || exchanges.get(exchange) === 'declared') return;
    const declare = (channel: Channel): Promise<void> => declareExchange(channel, address);
    if (isPassing(address)) return this.#aside(connection, declare);
    const declaring = exchanges.get(exchange) ?? this.#aside(connection, declare);
    exchanges.set(exchange, declaring);
    try {
      await declaring;
      exchanges.set(exchange, 'declared');
    } catch (error) {
      exchanges.delete(exchange);
      throw error;
    }
  }

  /** On a separate channel: a refusal closes it, and unconfirmed messages of others would be lost with it. */
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

/** Its exchange is deleted with the last queue that is bound to it. */
function isPassing({ properties }: Address): boolean {
  return properties?.autoDelete === true;
}
