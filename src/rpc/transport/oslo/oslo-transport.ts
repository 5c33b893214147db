/**
 * `oslo+rabbit://` and `oslo+amqps://`: RabbitMQ, as used by services of oslo.messaging.
 */
import { AmqpTransport } from '../amqp/amqp-transport.js';
import type { Transport, TransportOptions } from '../transport.js';
import type { TransportUrl } from '../transport-url.js';
import { osloTopology } from './oslo-topology.js';

/** Creates the transport. It keeps no dead letters: shared queues have no dead-letter exchange. */
export function osloTransport(url: TransportUrl, options: TransportOptions): Transport {
  return new AmqpTransport(url, { ...options, deadLetter: false }, osloTopology(options));
}
