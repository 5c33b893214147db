import { randomUUID } from 'node:crypto';
import { conformanceOf } from '../../conformance.js';
import { rabbitmqctl, withoutBroker } from '../amqp/broker.js';
import { deleteOsloTopic, osloUrl } from './peer.js';

/** Names of policies, to be removed. */
const policies: string[] = [];

// Quorum queues count deliveries, as those of the other transports do.
await conformanceOf(osloUrl, {
  options: { oslo: { quorum: true, deliveryLimit: 2 } },
  skip: withoutBroker,
  sharesFanouts: true,
  topicOf: () => `images-${randomUUID().slice(0, 8)}`,
  keepDead: async (exchange, topic) => {
    policies.push(topic);
    const policy = JSON.stringify({ 'dead-letter-exchange': `${exchange}.dlx` });
    await rabbitmqctl('set_policy', topic, `^${topic}(\\.|$)`, policy, '--apply-to', 'queues');
  },
  clean: async (exchange, topic, hosts) => {
    for (const name of policies.splice(0)) await rabbitmqctl('clear_policy', name);
    await deleteOsloTopic(exchange, topic, hosts);
  },
});
