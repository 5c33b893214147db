import { randomUUID } from 'node:crypto';
import { transportConformance } from '../../conformance.js';
import { withoutBroker } from '../amqp/broker.js';
import { deleteOsloTopic, osloUrl } from './peer.js';

// Queues have no exchange in their names, no place for dead letters, and no other name for calls: servers in Python know one.
transportConformance(osloUrl, {
  skip: withoutBroker,
  clean: deleteOsloTopic,
  lacks: ['dead letters', 'fanouts of an exchange', 'queues of transient calls'],
  topicOf: () => `images-${randomUUID().slice(0, 8)}`,
});
