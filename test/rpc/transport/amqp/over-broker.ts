/** Services over RabbitMQ, for tests. */
import { randomUUID } from 'node:crypto';
import { type Network, withNetwork } from '../../services.js';
import { brokerUrl, deleteTopic } from './broker.js';

/** Runs a test with services over the broker, in an exchange of its own. */
export function overBroker(run: (network: Network) => Promise<void>): () => Promise<void> {
  return async () => {
    const exchange = `calls-${randomUUID().slice(0, 8)}`;
    try {
      await withNetwork(run, `${brokerUrl}?exchange=${exchange}`)();
    } finally {
      await deleteTopic(exchange, 'images', ['north', 'south']);
    }
  };
}
