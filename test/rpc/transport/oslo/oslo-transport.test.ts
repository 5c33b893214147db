import { randomUUID } from 'node:crypto';
import { transportConformance } from '../../conformance.js';
import { withoutBroker } from '../amqp/broker.js';
import { deleteOsloTopic, osloUrl } from './peer.js';

// Queues have no exchange in their names, and no place for dead letters.
transportConformance(osloUrl, {
  skip: withoutBroker,
  clean: deleteOsloTopic,
  lacks: ['dead letters', 'fanouts of an exchange'],
  topicOf: () => `images-${randomUUID().slice(0, 8)}`,
});
