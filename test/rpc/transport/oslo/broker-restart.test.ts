/** Kills and restarts a separate broker between Python and Node. Runs only in the long run. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RPCConnection, RPCService } from 'portico/rpc';
import { isLong, printFigures, seconds } from '../../../e2e/faults/figures.js';
import { recordedLog } from '../../../tasks/recorded-log.js';
import { OwnBroker, withoutOwnBroker } from './own-broker.js';
import { PythonPeer, withoutPython } from './peer.js';

const skip =
  withoutPython || withoutOwnBroker || (isLong ? false : 'it starts a broker of its own: node test/run.mjs --long');

for (const options of [{ amqp_durable_queues: true }, { rabbit_quorum_queue: true }, {}]) {
  const [name = 'no option of queues'] = Object.keys(options);
  test(`the broker is killed and started again, ${name}: Node and Python call each other again`, {
    skip,
    timeout: 300_000,
  }, async () => {
    const broker = await OwnBroker.start();
    const { log } = recordedLog();
    const python = await PythonPeer.start({ url: broker.url, options: { ...options, rabbit_retry_interval: 1 } });
    const query = new URLSearchParams({ ...(name in options && { [name]: 'true' }), retry_interval: '0.5' });
    const transport = `${broker.url.replace(/^amqp:/, 'oslo+rabbit:')}?${query.toString()}`;
    const topic = `${python.topic}-node`;
    const rpc = new RPCConnection({ transport, project: python.exchange, log });
    const node = RPCService.create({
      binary: 'node-images',
      topic,
      host: 'node',
      registration: null,
      project: python.exchange,
      manager: { who: () => 'node' },
      transport,
      log,
    });
    try {
      await python.serve('python');
      await node.start();
      const toPython = rpc.client({ topic: python.topic, timeout: 2 });
      assert.equal(await toPython.call({}, 'who'), 'python');
      assert.equal(await python.call('who', {}, { topic }), 'node');
      await broker.kill();
      await broker.start();
      const begun = performance.now();
      const again = async (call: () => Promise<unknown>): Promise<number> => {
        for (;;) {
          const isAnswered = await call().then(
            () => true,
            () => false,
          );
          if (isAnswered) return performance.now() - begun;
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      };
      const [there, here] = await Promise.all([
        again(() => toPython.call({}, 'who')),
        again(() => python.call('who', {}, { topic, timeout: 2 })),
      ]);
      printFigures(`broker killed and started, ${name}`, {
        'Node calls Python again': seconds(there),
        'Python calls Node again': seconds(here),
      });
    } finally {
      await node.stop();
      await rpc.close();
      python.child.kill('SIGKILL');
      await broker.end();
    }
  });
}
