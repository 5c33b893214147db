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
import { queueName } from '../route.js';
import type { OsloQueues, Route, TransportOptions } from '../transport.js';
import {
  type Address,
  type DeclaringOptions,
  deadLetterAddress,
  type Properties,
  type QueuePlan,
  queueAddress,
  type Topology,
} from './amqp-topology.js';

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

const SHARED: DeclaringOptions = {
  group: 'oslo_messaging_rabbit',
  options: {
    durable: 'amqp_durable_queues or rabbit_quorum_queue',
    auto_delete: 'amqp_auto_delete',
    'x-queue-type': 'rabbit_quorum_queue',
    'x-delivery-limit': 'rabbit_quorum_delivery_limit',
    'x-max-in-memory-length': 'rabbit_quorum_max_memory_length',
    'x-max-in-memory-bytes': 'rabbit_quorum_max_memory_bytes',
    'x-ha-policy': 'rabbit_ha_queues',
  },
};
const FANOUT: DeclaringOptions = {
  ...SHARED,
  options: { durable: 'rabbit_transient_quorum_queue or rabbit_stream_fanout' },
};

/**
 * Returns the topology of `oslo+rabbit://`. Services share it, and different declarations are refused. Names do not contain the exchange:
 * two applications of one virtual host with the same topic share its queues, and its fanouts.
 */
export function osloTopology({ oslo = {}, transientQueueTtlMs }: TransportOptions): Topology {
  const { durable = false, autoDelete = false, quorum = false, durableFanout = false } = oslo;
  // Quorum queues are durable, and so is their exchange.
  const shared: Properties = { durable: durable || quorum, autoDelete, from: SHARED };
  const passing: Properties = { durable: durableFanout, autoDelete: true, from: FANOUT };
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
