// Moleculer over AMQP with its defaults: messages are neither persistent nor confirmed. The exception is noDelay: without it a packet
// waits for the acknowledgement of the previous one, and sixteen callers get only 20 calls per second.
import { ServiceBroker } from 'moleculer';
import { answer, callOnDemand, serveUntilEnd } from '../rpc/peer.mjs';

const [role, url, exchange] = process.argv.slice(2);
const transporter = { type: 'AMQP', options: { url, socketOptions: { noDelay: true } } };
const broker = new ServiceBroker({ namespace: exchange, nodeID: role, transporter, logger: false });
if (role === 'server') {
  broker.createService({ name: 'bench', actions: { build: ({ params }) => answer(params) } });
  await broker.start();
  serveUntilEnd();
} else {
  await broker.start();
  await broker.waitForServices('bench');
  const meta = { request_id: 'req-1', user_id: 'me' };
  callOnDemand((args) => broker.call('bench.build', args, { meta }));
}
