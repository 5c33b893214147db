import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { RPCConnection, RPCService } from 'portico/rpc';
import { MemoryBroker, MemoryTransport } from '#internal/rpc';
import { recordedLog } from '../../tasks/recorded-log.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

test('a server keeps nothing of a call that has ended', async () => {
  const results: WeakRef<object>[] = [];
  const manager = {
    async show(): Promise<object> {
      const result = { pixels: [1, 2, 3] };
      results.push(new WeakRef(result));
      return result;
    },
  };
  const transport = new MemoryTransport(new MemoryBroker());
  const { log } = recordedLog();
  const parts = { binary: 'portico-images', host: 'north', registration: null, transport, log };
  const service = RPCService.create({ ...parts, manager });
  await service.start();
  const connection = new RPCConnection({ transport, log });
  for (let calls = 0; calls < 20; calls++) await connection.client({ topic: 'images' }).call({}, 'show');
  for (let turn = 0; turn < 5; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  // The last result may still be on the stack.
  assert.ok(results.filter((result) => result.deref() !== undefined).length <= 1);
  await connection.close();
  await service.stop();
});
