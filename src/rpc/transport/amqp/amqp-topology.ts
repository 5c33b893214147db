/**
 * Exchanges and queues of RabbitMQ. All are durable, and those of hosts and processes expire: RabbitMQ 4.3 refuses queues that are neither
 * durable nor exclusive, and an exclusive one does not outlive its connection.
 */
import type { Channel } from 'rabbitmq-client';
import { ConfigurationRefused } from '../../../errors/index.js';
import { queueName, TRANSIENT } from '../route.js';
import { MAX_DEAD_LETTERS, type Route, type TransportOptions } from '../transport.js';
import { reasonOf } from './amqp-errors.js';

/** Properties of an exchange or queue that differ from Portico's own, and their options. */
export interface Properties {
  readonly durable: boolean;
  /** True if it is deleted with its last user. */
  readonly autoDelete: boolean;
  /** Their options, for errors. */
  readonly from: { readonly group: string; readonly options: string };
}

/** Exchange and routing key of a message. */
export interface Address {
  /** Empty: the broker's default exchange, whose routing keys are names of queues. */
  readonly exchange: string;
  readonly type: 'topic' | 'fanout';
  readonly routingKey: string;
  /** Set if its messages need not outlive the broker. */
  readonly isTransient?: true;
  /** Properties of the exchange. Absent: it is durable. */
  readonly properties?: Properties;
}

/** Declaration of a queue. */
export interface QueuePlan {
  readonly queue: string;
  readonly arguments: Readonly<Record<string, string | number>>;
  /** Set if it belongs to one process, and is deleted with its consumer. */
  readonly isTransient?: true;
  /** Exchange that it is bound to. Absent: messages are published to its name. */
  readonly from?: Address;
  /** Exchange that keeps the dead letters refused by its consumer. Absent: none. */
  readonly exchange?: string;
  /** Exchange for messages that expired in it, or were returned too often. Absent: they are dropped. */
  readonly deadLetters?: string | undefined;
  /** Absent: it is durable. */
  readonly properties?: Properties;
}

/** Names and properties of the exchanges and queues of a wire. */
export interface Topology {
  /** Returns the address of messages for a route, or for a reply consumer. */
  addressOf(to: Route | string): Address;
  /** Returns the queue of a route. `id`, a UUID, distinguishes the fanout queues of a topic. */
  queueOfRoute(route: Route, id: string): QueuePlan;
  /** Returns the queue of a reply consumer. `id`: a UUID. */
  replyQueue(id: string): QueuePlan;
}

/** Returns Portico's own topology. */
export function porticoTopology(options: TransportOptions): Topology {
  const { queueType, deliveryLimit, deadLetter, hostQueueTtlMs, transientQueueTtlMs } = options;
  const ofProcess = { 'x-queue-type': 'classic', 'x-expires': transientQueueTtlMs };
  return {
    addressOf,
    queueOfRoute(route, id): QueuePlan {
      const { exchange, topic, server, fanout } = route;
      const from = addressOf(route);
      if (fanout === true) {
        return {
          queue: `${exchange}.${topic}.fanout.${id}`,
          arguments: { ...ofProcess, 'x-message-ttl': transientQueueTtlMs },
          isTransient: true,
          from,
          exchange,
        };
      }
      const deadLetters = deadLetter ? deadLetterAddress(exchange).exchange : undefined;
      const type = from.isTransient === true ? 'classic' : queueType;
      return {
        queue: queueName(route),
        arguments: {
          'x-queue-type': type,
          // Classic queues do not count deliveries, and refuse a limit.
          ...(type === 'quorum' && { 'x-delivery-limit': deliveryLimit }),
          ...(deadLetters !== undefined && { 'x-dead-letter-exchange': deadLetters }),
          ...(server !== undefined && { 'x-expires': hostQueueTtlMs }),
        },
        from,
        exchange,
        deadLetters,
      };
    },
    replyQueue: (id) => ({ queue: `reply_${id}`, arguments: ofProcess, isTransient: true }),
  };
}

/** Returns the address of messages for a route, or for a reply consumer. */
function addressOf(to: Route | string): Address {
  if (typeof to === 'string') return { exchange: '', type: 'topic', routingKey: to };
  const { exchange, topic, server, fanout, transient } = to;
  if (fanout === true) return { exchange: `${exchange}.${topic}.fanout`, type: 'fanout', routingKey: '' };
  const routingKey = server === undefined ? topic : `${topic}.${server}`;
  if (transient !== true) return { exchange, type: 'topic', routingKey };
  return { exchange, type: 'topic', routingKey: `${routingKey}${TRANSIENT}`, isTransient: true };
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
    from: deadLetterAddress(exchange),
  };
}

/**
 * Returns the queue whose messages move to another one when their time is up. No route can have its name. It outlives the consumer, because
 * its messages must be redelivered.
 */
export function delayQueue(queue: string, { hostQueueTtlMs }: TransportOptions): QueuePlan {
  return {
    queue: `${queue}/delay`,
    arguments: {
      'x-queue-type': 'classic',
      'x-expires': hostQueueTtlMs,
      'x-dead-letter-exchange': '',
      'x-dead-letter-routing-key': queue,
    },
  };
}

/** Declares a queue, its binding, and its dead-letter exchange. Rejects with `PORTICO_RPC_TOPOLOGY` if the broker refuses. */
export async function declareQueue(channel: Channel, plan: QueuePlan, options: TransportOptions): Promise<void> {
  const { queue, from, exchange, deadLetters, properties } = plan;
  if (from !== undefined) await declareExchange(channel, from, options);
  if (deadLetters !== undefined) await declareQueue(channel, deadQueue(exchange!), options);
  const text = textOf(plan.arguments, properties);
  // An administrator cannot declare the queues of a process, whose names are random.
  const passive = !options.manageTopology && !plan.isTransient;
  const { durable = true, autoDelete = false } = properties ?? {};
  await channel
    .queueDeclare({ queue, durable, autoDelete, passive, ...(!passive && { arguments: { ...plan.arguments } }) })
    .catch((error: unknown) => {
      throw refused(error, `the queue ${queue}`, { queue, text, passive, from: properties?.from });
    });
  if (from === undefined || passive) return;
  await channel.queueBind({ queue, exchange: from.exchange, routingKey: from.routingKey }).catch((error: unknown) => {
    throw refused(error, `the binding of the queue ${queue} to the exchange ${from.exchange}`, { text: '', passive });
  });
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
export async function unbindQueue(channel: Channel, { queue, from }: QueuePlan): Promise<void> {
  if (from !== undefined) await channel.queueUnbind({ queue, exchange: from.exchange, routingKey: from.routingKey });
}

/** Declares an exchange. Rejects as {@link declareQueue}. */
export async function declareExchange(
  channel: Channel,
  { exchange, type, properties }: Address,
  { manageTopology }: TransportOptions,
): Promise<void> {
  if (exchange === '') return;
  const { durable = true, autoDelete = false } = properties ?? {};
  // An administrator cannot create an auto-delete exchange in advance.
  const passive = !manageTopology && !autoDelete;
  await channel.exchangeDeclare({ exchange, type, durable, autoDelete, passive }).catch((error: unknown) => {
    const text = textOf({ type }, properties);
    throw refused(error, `the exchange ${exchange}`, { text, passive, from: properties?.from });
  });
}

/** Returns a declaration as text, for error messages. */
function textOf(declared: object, { durable, autoDelete }: Partial<Properties> = {}): string {
  return JSON.stringify({ ...declared, ...(durable !== undefined && { durable, auto_delete: autoDelete }) });
}

interface Refused {
  readonly queue?: string;
  readonly text: string;
  readonly passive: boolean;
  readonly from?: Properties['from'] | undefined;
}

/** Options of Portico's own queues and exchanges. */
const OWN: Properties['from'] = {
  group: 'rpc',
  options: 'queue_type, delivery_limit, dead_letter, host_queue_ttl, transient_queue_ttl',
};

/** Returns the broker's final refusal as an error for an operator; any other error unchanged. */
function refused(error: unknown, what: string, { queue, text, passive, from = OWN }: Refused): unknown {
  const { code } = error as { code?: unknown };
  const said = reasonOf(error);
  if (code === 'PRECONDITION_FAILED') {
    const empty = queue === undefined ? 'delete it' : `empty it, delete it (rabbitmqctl delete_queue ${queue})`;
    return new ConfigurationRefused('PORTICO_RPC_TOPOLOGY', {
      message: `${what} exists with properties other than in [${from.group}], ${text}; the broker says: ${said}`,
      hint:
        from === OWN
          ? `Restore the old values of [rpc] (${from.options}), or stop its services, ${empty} and start them again.`
          : `Set [${from.group}] to the values of the services that declared it (${from.options}).`,
      cause: error,
    });
  }
  if (code === 'ACCESS_REFUSED') {
    return new ConfigurationRefused('PORTICO_RPC_TOPOLOGY', {
      message: `${what} is refused by the broker: ${said}`,
      hint: 'Grant the permission to the user of the transport URL (rabbitmqctl set_permissions), or declare it yourself and set [rpc] manage_topology = false.',
      cause: error,
    });
  }
  if (code === 'NOT_FOUND' && passive) {
    return new ConfigurationRefused('PORTICO_RPC_TOPOLOGY', {
      message: `${what} does not exist, and [rpc] manage_topology is false`,
      hint: `Declare it${from === OWN ? ' durable' : ''}, ${text}; or set manage_topology = true.`,
      cause: error,
    });
  }
  return error;
}
