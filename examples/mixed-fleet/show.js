/** A caller in Node: node show.js ID [server] [--topic TOPIC] */
import { parseArgs } from 'node:util';
import { Config, RequestContext } from 'portico';
import { RPCConnection } from 'portico/rpc';
import { NotFound } from './images.js';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { topic: { type: 'string', default: 'images' } },
});
const [id, server] = positionals;
const rpc = new RPCConnection({ config: await Config.load({ argv: false }) });
const images = rpc.client({ topic: values.topic, server, version: '1.1', allowedErrors: [NotFound] });
const context = new RequestContext({ userId: 'me', requestId: 'req-1' });
try {
  console.log(JSON.stringify(await images.call(context, 'show', { id })));
} catch (error) {
  if (!(error instanceof NotFound)) throw error;
  console.log(JSON.stringify({ missing: error.id }));
}
await rpc.close();
