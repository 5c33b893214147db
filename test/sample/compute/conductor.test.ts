import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RPCConnection, RPCService } from 'portico/rpc';
import { MemoryBroker, MemoryTransport } from '#internal/extras/rpc';
import { Conductor } from '../../../examples/compute/dist/index.js';
import { temporaryFolder } from '../../fixtures/keeper.js';
import { recordedLog } from '../../tasks/recorded-log.js';
import { sampleConfig } from '../sample-api.js';

test('RP-77 what the conductor cannot write down is a dead letter, to be replayed', async () => {
  const { log } = recordedLog();
  const [config, transport] = [sampleConfig(temporaryFolder()), new MemoryTransport(new MemoryBroker())];
  const manager = new Conductor({ conf: config, log });
  const binary = 'portico-conductor';
  const service = RPCService.create({ binary, host: 'here', registration: null, manager, transport, config, log });
  await service.start();
  // This closes the store.
  manager.cleanupHost();
  const connection = new RPCConnection({ transport, log });
  await connection.client({ topic: 'conductor' }).cast({}, 'finish', { server: 'a', startedAt: 1 });
  const reasons: (string | undefined)[] = [];
  while (reasons.length === 0) {
    await new Promise((resolve) => setImmediate(resolve));
    await transport.eachDeadLetter('portico', async ({ death }) => void reasons.push(death?.reason));
  }
  assert.match(reasons[0]!, /^failed: /);
  await service.stop();
  await connection.close();
});
