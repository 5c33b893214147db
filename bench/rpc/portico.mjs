// Portico over RabbitMQ: server or client.
import { createLogger } from 'portico';
import { RPCConnection, RPCService } from 'portico/rpc';
import { answer, callOnDemand, serveUntilEnd } from './peer.mjs';

const [role, url, exchange] = process.argv.slice(2);
const transport = `${url}?exchange=${exchange}`;
const log = createLogger({ level: 'silent' });

if (role === 'server') {
  class Servers {
    async build(_context, args) {
      return answer(args);
    }
  }
  await RPCService.create({
    binary: 'portico-bench',
    topic: 'bench',
    host: 'bench',
    manager: Servers,
    registration: null,
    transport,
    log,
  }).start();
  serveUntilEnd();
} else {
  const client = new RPCConnection({ transport, log }).client({ topic: 'bench' });
  const context = { request_id: 'req-1', user_id: 'me' };
  callOnDemand((args) => client.call(context, 'build', args));
}
