import { transportConformance } from '../../conformance.js';
import { brokerUrl, deleteTopic, withoutBroker } from './broker.js';

transportConformance(brokerUrl, { skip: withoutBroker, clean: deleteTopic });
