import { randomUUID } from 'node:crypto';
import { transportConformance } from '../../conformance.js';
import { withoutBroker } from '../amqp/broker.js';
import { deleteOsloTopic, osloUrl } from './peer.js';

// Queue names contain no exchange, there are no dead letters, and calls have no separate queue, because servers in Python know one
// queue.
transportConformance(osloUrl, {
  skip: withoutBroker,
  clean: deleteOsloTopic,
  lacks: ['dead letters', 'fanouts of an exchange', 'queues of transient calls'],
  topicOf: () => `images-${randomUUID().slice(0, 8)}`,
});
