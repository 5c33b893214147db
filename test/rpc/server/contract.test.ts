import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RPCService, rpc } from 'portico/rpc';
import { rpcContract } from '#internal/extras/rpc';
import { recordedLog } from '../../tasks/recorded-log.js';

const id = { type: 'string' };

class Images {
  readonly target = { namespace: 'images', version: '1.4' };
  @rpc({ args: { properties: { id }, required: ['id'] } })
  resize(): void {}
  size(): void {}
  initHost(): void {}
}

test('RP-45 a contract has namespaces, versions, methods and the schemas of their arguments', () => {
  assert.deepEqual(rpcContract([new Images(), { ping() {} }]), [
    {
      namespace: 'images',
      version: '1.4',
      methods: { resize: { properties: { id }, required: ['id'] }, size: null },
    },
    { namespace: null, version: '1.0', methods: { ping: null } },
  ]);
});

test('RP-11 RP-45 a contract has what the policy of the service exposes', () => {
  assert.deepEqual(rpcContract([new Images()], 'explicit')[0]!.methods, {});
});

test('RP-45 a service gives its contract without a start, and the same while it runs', async () => {
  let made = 0;
  const hooks: string[] = [];
  class Counted extends Images {
    readonly additionalEndpoints = [{ crop() {} }];
    constructor() {
      super();
      made += 1;
    }
    override initHost(): void {
      hooks.push('initHost');
    }
  }
  const { log } = recordedLog();
  const service = RPCService.create({ binary: 'portico-images', manager: Counted, registration: null, log });
  const contract = await service.contract();
  assert.deepEqual(contract, rpcContract([new Images(), { crop() {} }]));
  assert.deepEqual([service.manager, hooks], [undefined, []]);
  await service.start();
  assert.deepEqual([await service.contract(), made], [contract, 2]);
  await service.stop();
});
