import { conformanceOf } from '../../conformance.js';
import { brokerUrl, deleteTopic, withoutBroker } from './broker.js';

await conformanceOf(brokerUrl, { skip: withoutBroker, clean: deleteTopic });
