/**
 * Exchanges and queues of oslo.messaging on RabbitMQ (`_drivers/impl_rabbit.py`). Services share them, and different declarations are
 * refused: names and properties are those of Python services with the same options. Queues of a single process have the properties of
 * Portico's own: durable, so that RabbitMQ 4.3 accepts them too.
 */
import type { Address, Properties, QueuePlan, Topology } from '../amqp/amqp-topology.js';
import type { OsloQueues, Route, TransportOptions } from '../transport.js';

const FROM: Properties['from'] = {
  group: 'oslo_messaging_rabbit',
  options:
    'amqp_durable_queues, amqp_auto_delete, rabbit_quorum_queue, rabbit_ha_queues, rabbit_transient_quorum_queue, rabbit_stream_fanout',
};

/** Names do not contain the exchange: two applications of one virtual host with the same topic share its queues, and its fanouts. */
export function osloTopology({ oslo = {}, transientQueueTtlMs }: TransportOptions): Topology {
  const { durable = false, autoDelete = false, quorum = false, durableFanout = false } = oslo;
  const shared: Properties = {
    // Quorum queues are durable, and so is their exchange.
    durable: durable || quorum,
    autoDelete,
    from: FROM,
  };
  const own = { 'x-queue-type': 'classic', 'x-expires': transientQueueTtlMs };

  const addressOf = (to: Route | string): Address => {
    if (typeof to === 'string') return { exchange: '', type: 'topic', routingKey: to };
    const { exchange, topic, server, fanout } = to;
    if (fanout === true) {
      const properties: Properties = { durable: durableFanout, autoDelete: true, from: FROM };
      return { exchange: `${topic}_fanout`, type: 'fanout', routingKey: '', properties };
    }
    const routingKey = server === undefined ? topic : `${topic}.${server}`;
    return { exchange, type: 'topic', routingKey, properties: shared };
  };

  return {
    addressOf,
    queueOfRoute(route, id): QueuePlan {
      const from = addressOf(route);
      if (route.fanout === true) {
        return { queue: `${route.topic}_fanout_${hex(id)}`, arguments: own, isTransient: true, from };
      }
      return { queue: from.routingKey, arguments: sharedArguments(oslo), from, properties: shared };
    },
    replyQueue: (id) => ({ queue: `reply_${hex(id)}`, arguments: own, isTransient: true }),
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
