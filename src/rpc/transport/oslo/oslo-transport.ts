/**
 * `oslo+rabbit://` and `oslo+amqps://`: RabbitMQ, as services of oslo.messaging use it.
 */
import { AmqpTransport } from '../amqp/amqp-transport.js';
import type { Transport, TransportOptions } from '../transport.js';
import type { TransportUrl } from '../transport-url.js';
import { osloTopology } from './oslo-topology.js';

/** The driver. It keeps no dead letters: queues that are shared have no place for them. */
export function osloTransport(url: TransportUrl, options: TransportOptions): Transport {
  return new AmqpTransport(url, { ...options, deadLetter: false }, osloTopology(options));
}
