/** Runs services over RabbitMQ, for tests. */
import { randomUUID } from 'node:crypto';
import { type Network, withNetwork } from '../../services.js';
import { brokerUrl, deleteTopic } from './broker.js';

/** Returns a test function that runs with services over the broker, in a separate exchange, and deletes the topics. */
export function overBroker(run: (network: Network) => Promise<void>, topics = ['images']): () => Promise<void> {
  return async () => {
    const exchange = `calls-${randomUUID().slice(0, 8)}`;
    try {
      await withNetwork(run, `${brokerUrl}?exchange=${exchange}`)();
    } finally {
      for (const topic of topics) await deleteTopic(exchange, topic, ['north', 'south']);
    }
  };
}
