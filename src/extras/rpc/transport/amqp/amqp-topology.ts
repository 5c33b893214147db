/**
 * The two topologies on RabbitMQ: names and declarations of exchanges and queues, the only difference between the schemes. No name of one is
 * a name of the other, so that both can be used at a time.
 *
 * | | `amqp://` | `oslo+rabbit://`, as oslo.messaging declares (`_drivers/impl_rabbit.py`) |
 * | --- | --- | --- |
 * | exchange of an application | `<exchange>.portico`, durable | `<exchange>`, by `[oslo_messaging_rabbit]` |
 * | queue of a topic, of a host | `<exchange>.<topic>`, `<exchange>.<topic>.<host>` | `<topic>`, `<topic>.<host>` |
 * | its properties | `queue_type`, `delivery_limit`, dead letters; that of a host expires | by `[oslo_messaging_rabbit]` |
 * | exchange of fanouts | `<exchange>.<topic>.fanout`, durable | `<topic>_fanout`, auto-delete; `<topic>_portico` beside it, without Python |
 * | queue of fanouts, of replies | `….fanout.<id>`, `reply_<id>` | `<topic>_fanout_<id>`, `reply_<id>` |
 *
 * All queues of `amqp://`, and those of a process, are durable and expire: RabbitMQ 4.3 refuses queues that are neither durable nor
 * exclusive, and an exclusive one does not outlive its connection.
 */
import { ConfigurationRefused } from 'portico/extension';
import type { Channel } from 'rabbitmq-client';
import { queueName } from '../route.js';
import { MAX_DEAD_LETTERS, type OsloQueues, type Route, type TransportOptions } from '../transport.js';
import { reasonOf } from './amqp-connection.js';

/** Properties of an exchange or queue that differ from Portico's own, and their options. */
export interface Properties {
  readonly durable: boolean;
  /** True if it is deleted with its last user. */
  readonly autoDelete: boolean;
}

/** Exchange and routing key of a message. */
export interface Address {
  /** Empty: the broker's default exchange, whose routing keys are names of queues. */
  readonly exchange: string;
  readonly type: 'topic' | 'fanout';
  readonly routingKey: string;
  /** Properties of the exchange. Absent: it is durable. */
  readonly properties?: Properties;
}

/** Declaration of a queue. */
export interface QueuePlan {
  readonly queue: string;
  readonly arguments: Readonly<Record<string, string | number>>;
  /** Set if it belongs to one process, and is deleted with its consumer. */
  readonly isTransient?: true;
  /** Exchanges that it is bound to. Absent: messages are published to its name. */
  readonly from?: readonly Address[];
  /** Exchange whose dead letters have those of its consumer. Absent: none. */
  readonly exchange?: string;
  /** Absent: it is durable. */
  readonly properties?: Properties;
}

/** Names and properties of exchanges and queues. */
export interface Topology {
  /** Returns the address of messages for a route, or for a reply consumer. */
  addressOf(to: Route | string): Address;
  /** Returns the queue of a route. `id`, a UUID, distinguishes the fanout queues of a topic. */
  queueOfRoute(route: Route, id: string): QueuePlan;
  /** Returns the queue of a reply consumer. `id`: a UUID. */
  replyQueue(id: string): QueuePlan;
}

/** Returns the address of a queue by its name. */
export function queueAddress(queue: string): Address {
  return { exchange: '', type: 'topic', routingKey: queue };
}

/** Returns the exchange that keeps the dead letters of an exchange. */
export function deadLetterAddress(exchange: string): Address {
  return { exchange: `${exchange}.dlx`, type: 'fanout', routingKey: '' };
}

/** Returns the queue of an exchange's dead letters. Classic: a quorum queue would drop messages that are read too often. */
export function deadQueue(exchange: string): QueuePlan {
  return {
    queue: `${exchange}.dead`,
    arguments: { 'x-queue-type': 'classic', 'x-max-length': MAX_DEAD_LETTERS },
    from: [deadLetterAddress(exchange)],
  };
}

/** Declares a queue, its binding, and its dead-letter exchange. Rejects with `PORTICO_RPC_TOPOLOGY` if the broker refuses. */
export async function declareQueue(channel: Channel, plan: QueuePlan, options: TransportOptions): Promise<void> {
  const { queue, from = [], exchange, properties, isTransient } = plan;
  for (const address of from) await declareExchange(channel, address);
  if (exchange !== undefined && options.deadLetter && !isTransient) {
    await declareQueue(channel, deadQueue(exchange), options);
  }
  const text = textOf(plan.arguments, properties);
  const { durable = true, autoDelete = false } = properties ?? {};
  await channel
    .queueDeclare({ queue, durable, autoDelete, arguments: { ...plan.arguments } })
    .catch((error: unknown) => {
      throw refused(error, `the queue ${queue}`, text, queue);
    });
  for (const { exchange: bound, routingKey } of from) {
    await channel.queueBind({ queue, exchange: bound, routingKey }).catch((error: unknown) => {
      throw refused(error, `the binding of the queue ${queue} to the exchange ${bound}`);
    });
  }
}

/** Returns the number of ready messages of a queue, and its consumers; undefined if there is no such queue. */
export async function findQueue(
  channel: Channel,
  queue: string,
): Promise<{ readonly messageCount: number; readonly consumerCount: number } | undefined> {
  try {
    return await channel.queueDeclare({ queue, passive: true });
  } catch (error) {
    if ((error as { code?: unknown }).code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

/** Removes the binding: only messages published to its name still arrive. */
export async function unbindQueue(channel: Channel, { queue, from = [] }: QueuePlan): Promise<void> {
  for (const { exchange, routingKey } of from) await channel.queueUnbind({ queue, exchange, routingKey });
}

/** Declares an exchange. Rejects as {@link declareQueue}. */
export async function declareExchange(channel: Channel, { exchange, type, properties }: Address): Promise<void> {
  if (exchange === '') return;
  const { durable = true, autoDelete = false } = properties ?? {};
  await channel.exchangeDeclare({ exchange, type, durable, autoDelete }).catch((error: unknown) => {
    throw refused(error, `the exchange ${exchange}`, textOf({ type }, properties));
  });
}

/** Returns a declaration as text, for error messages. */
function textOf(declared: object, { durable, autoDelete }: Partial<Properties> = {}): string {
  return JSON.stringify({ ...declared, ...(durable !== undefined && { durable, auto_delete: autoDelete }) });
}

/** Returns the broker's final refusal as an error for an operator; any other error unchanged. `text`: the declaration. */
function refused(error: unknown, what: string, text = '', queue?: string): unknown {
  const { code } = error as { code?: unknown };
  const said = reasonOf(error);
  const final = (message: string, hint: string): ConfigurationRefused =>
    new ConfigurationRefused('PORTICO_RPC_TOPOLOGY', { message: `${what} ${message}`, hint, cause: error });
  if (code === 'PRECONDITION_FAILED') {
    const empty = queue === undefined ? 'delete it' : `empty it, delete it (rabbitmqctl delete_queue ${queue})`;
    return final(
      `exists with properties other than ${text}; the broker says: ${said}`,
      `The services that declared it differ in [rpc] or [oslo_messaging_rabbit]: set both alike, or stop them, ${empty} and start them again.`,
    );
  }
  if (code === 'ACCESS_REFUSED') {
    return final(
      `is refused by the broker: ${said}`,
      'Grant the permission to the user of the transport URL (rabbitmqctl set_permissions).',
    );
  }
  return error;
}

/** Returns the topology of `amqp://`. */
export function porticoTopology(options: TransportOptions): Topology {
  const { queueType, deliveryLimit, deadLetter, hostQueueTtlMs, transientQueueTtlMs } = options;
  const ofProcess = { 'x-queue-type': 'classic', 'x-expires': transientQueueTtlMs };

  const addressOf = (to: Route | string): Address => {
    if (typeof to === 'string') return queueAddress(to);
    const { exchange, topic, fanout } = to;
    if (fanout === true) return { exchange: `${exchange}.${topic}.fanout`, type: 'fanout', routingKey: '' };
    return { exchange: `${exchange}.portico`, type: 'topic', routingKey: queueName(to) };
  };

  return {
    addressOf,
    queueOfRoute(route, id): QueuePlan {
      const { exchange, topic, server, fanout } = route;
      const from = [addressOf(route)];
      if (fanout === true) {
        const limits = { ...ofProcess, 'x-message-ttl': transientQueueTtlMs };
        return { queue: `${exchange}.${topic}.fanout.${id}`, arguments: limits, isTransient: true, from, exchange };
      }
      return {
        queue: queueName(route),
        arguments: {
          'x-queue-type': queueType,
          // Classic queues do not count deliveries, and refuse a limit.
          ...(queueType === 'quorum' && { 'x-delivery-limit': deliveryLimit }),
          ...(deadLetter && { 'x-dead-letter-exchange': deadLetterAddress(exchange).exchange }),
          ...(server !== undefined && { 'x-expires': hostQueueTtlMs }),
        },
        from,
        exchange,
      };
    },
    replyQueue: (id) => ({ queue: `reply_${id}`, arguments: ofProcess, isTransient: true }),
  };
}

/**
 * Returns the topology of `oslo+rabbit://`. Services share it, and different declarations are refused. Names do not contain the exchange:
 * two applications of one virtual host with the same topic share its queues, and its fanouts.
 */
export function osloTopology({ oslo = {}, transientQueueTtlMs }: TransportOptions): Topology {
  const { durable = false, autoDelete = false, quorum = false, durableFanout = false } = oslo;
  // Quorum queues are durable, and so is their exchange.
  const shared: Properties = { durable: durable || quorum, autoDelete };
  const passing: Properties = { durable: durableFanout, autoDelete: true };
  const ofProcess = { 'x-queue-type': 'classic', 'x-expires': transientQueueTtlMs };

  const addressOf = (to: Route | string): Address => {
    if (typeof to === 'string') return queueAddress(to);
    const { exchange, topic, server, fanout, isOwn } = to;
    if (fanout === true) {
      const name = `${topic}_${isOwn === true ? 'portico' : 'fanout'}`;
      return { exchange: name, type: 'fanout', routingKey: '', properties: passing };
    }
    const routingKey = server === undefined ? topic : `${topic}.${server}`;
    return { exchange, type: 'topic', routingKey, properties: shared };
  };

  return {
    addressOf,
    queueOfRoute(route, id): QueuePlan {
      const { exchange, topic, fanout } = route;
      const from = addressOf(route);
      if (fanout === true) {
        const queue = `${topic}_fanout_${hex(id)}`;
        const both = [from, addressOf({ ...route, isOwn: true })];
        return { queue, arguments: ofProcess, isTransient: true, from: both, exchange };
      }
      const queue = from.routingKey;
      return { queue, arguments: sharedArguments(oslo), from: [from], exchange, properties: shared };
    },
    replyQueue: (id) => ({ queue: `reply_${hex(id)}`, arguments: ofProcess, isTransient: true }),
  };
}

function sharedArguments(oslo: OsloQueues): Readonly<Record<string, string | number>> {
  const { mirrored, quorum, deliveryLimit = 0, maxMemoryLength = 0, maxMemoryBytes = 0 } = oslo;
  if (mirrored === true) return { 'x-ha-policy': 'all' };
  if (quorum !== true) return {};
  return {
    'x-queue-type': 'quorum',
    ...(deliveryLimit > 0 && { 'x-delivery-limit': deliveryLimit }),
    ...(maxMemoryLength > 0 && { 'x-max-in-memory-length': maxMemoryLength }),
    ...(maxMemoryBytes > 0 && { 'x-max-in-memory-bytes': maxMemoryBytes }),
  };
}

function hex(id: string): string {
  return id.replaceAll('-', '');
}
