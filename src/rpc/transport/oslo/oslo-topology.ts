/**
 * The exchanges and queues of oslo.messaging on RabbitMQ (`_drivers/impl_rabbit.py`). Services share them, and one that declares
 * them otherwise is refused: names and properties are those of Python services with the same options. The queues of one process
 * alone are Portico's own but for their names: durable, so that RabbitMQ 4.3 takes them as well.
 */
import type { Address, Properties, QueuePlan, Topology } from '../amqp/amqp-topology.js';
import type { OsloQueues, Route, TransportOptions } from '../transport.js';

/** oslo.messaging's own declarations, the defaults here. */
const DEFAULTS: OsloQueues = {
  durable: false,
  autoDelete: false,
  quorum: false,
  deliveryLimit: 0,
  maxMemoryLength: 0,
  maxMemoryBytes: 0,
  mirrored: false,
  durableFanout: false,
};

const FROM: Properties['from'] = {
  group: 'oslo_messaging_rabbit',
  options:
    'amqp_durable_queues, amqp_auto_delete, rabbit_quorum_queue, rabbit_ha_queues, rabbit_transient_quorum_queue, rabbit_stream_fanout',
};

/** Names have no exchange in them: two applications of one virtual host with the same topic share its queues, and its fanouts. */
export function osloTopology({ oslo = DEFAULTS, transientQueueTtlMs }: TransportOptions): Topology {
  const shared: Properties = {
    // Quorum queues are durable, and their exchange is.
    durable: oslo.durable || oslo.quorum,
    autoDelete: oslo.autoDelete,
    from: FROM,
  };
  const own = { 'x-queue-type': 'classic', 'x-expires': transientQueueTtlMs };

  const addressOf = (to: Route | string): Address => {
    if (typeof to === 'string') return { exchange: '', type: 'topic', routingKey: to };
    const { exchange, topic, server, fanout } = to;
    if (fanout === true) {
      const properties: Properties = { durable: oslo.durableFanout, autoDelete: true, from: FROM };
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
  if (oslo.mirrored) return { 'x-ha-policy': 'all' };
  if (!oslo.quorum) return {};
  return {
    'x-queue-type': 'quorum',
    ...(oslo.deliveryLimit > 0 && { 'x-delivery-limit': oslo.deliveryLimit }),
    ...(oslo.maxMemoryLength > 0 && { 'x-max-in-memory-length': oslo.maxMemoryLength }),
    ...(oslo.maxMemoryBytes > 0 && { 'x-max-in-memory-bytes': oslo.maxMemoryBytes }),
  };
}

function hex(id: string): string {
  return id.replaceAll('-', '');
}
