import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RPCService, type RpcContract, rpc } from 'portico/rpc';
import { contractErrors, rpcContract } from '#internal/extras/rpc';
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

const BEFORE: RpcContract = {
  namespace: 'images',
  version: '1.4',
  methods: { resize: { properties: { id }, required: ['id'] }, size: null },
};

test('RP-44 RP-45 what is added is a new minor version, what is removed or changed a new major one beside the old', () => {
  const { size } = BEFORE.methods;
  const issues = (...after: Partial<RpcContract>[]): string[] =>
    contractErrors(
      [BEFORE],
      after.map((each) => ({ ...BEFORE, ...each })),
    );
  const minor = 'images 1.4: it has new methods or arguments: this needs a new minor version';
  const optional = { properties: { id, to: {} }, required: ['id'] };
  assert.deepEqual(issues({}), []);
  assert.deepEqual(issues({ version: '1.4.1' }), []);
  assert.deepEqual(issues({ version: '1.4.1', methods: { ...BEFORE.methods, crop: null } }), [minor]);
  assert.deepEqual(issues({ methods: { resize: null, size: null, crop: null } }), [minor]);
  assert.deepEqual(issues({ methods: { resize: optional, size } as RpcContract['methods'] }), [minor]);
  assert.deepEqual(issues({ version: '1.10', methods: { resize: optional, size } as RpcContract['methods'] }), []);
  const major = 'this needs a new major version, 2.0';
  assert.deepEqual(issues({ version: '1.5', methods: { size: null } }), [`images 1.4: resize is gone: ${major}`]);
  for (const changed of [
    { properties: { id: { type: 'integer' } }, required: ['id'] },
    { properties: { id, to: {} }, required: ['id', 'to'] },
    { properties: {}, required: ['id'] },
  ]) {
    const methods = { resize: changed, size } as RpcContract['methods'];
    assert.deepEqual(issues({ version: '1.5', methods }), [`images 1.4: arguments of resize have changed: ${major}`]);
    assert.deepEqual(issues({ version: '1.4' }, { version: '2.0', methods }), []);
  }
  assert.deepEqual(issues({ version: '1.3' }), ['images 1.4: 1.3 is an older version']);
  const gone = 'images 1.4 was removed: keep serving it for one release, beside its successor';
  assert.deepEqual(issues({ version: '2.0' }), [gone]);
  assert.deepEqual(contractErrors([BEFORE, { ...BEFORE, version: '2.0' }], [{ ...BEFORE, version: '2.0' }]), []);
});

test('RP-8 RP-45 several endpoints of one interface are one contract: a call goes to the first that has its method', () => {
  const both = rpcContract([{ resize() {} }, { crop() {} }]);
  assert.deepEqual(contractErrors(both, both), []);
  assert.deepEqual(contractErrors(both, rpcContract([{ crop() {}, resize() {} }])), []);
  assert.deepEqual(contractErrors(both, rpcContract([{ resize() {} }, {}])), [
    'the interface 1.0: crop is gone: this needs a new major version, 2.0',
  ]);
  const minor = 'the interface 1.0: it has new methods or arguments: this needs a new minor version';
  assert.deepEqual(contractErrors(both, rpcContract([{ resize() {} }, { crop() {}, turn() {} }])), [minor]);
});

test('RP-41 RP-45 what is served under its former name as well has not gone', () => {
  const pictures = { target: { namespace: 'pictures', version: '1.4', acceptedNamespaces: ['images'] }, size() {} };
  const renamed = rpcContract([pictures]);
  assert.deepEqual(renamed, [
    { namespace: 'pictures', acceptedNamespaces: ['images'], version: '1.4', methods: { size: null } },
  ]);
  const images = rpcContract([{ target: { namespace: 'images', version: '1.4' }, size() {} }]);
  assert.deepEqual(contractErrors(images, renamed), []);
  const { acceptedNamespaces: _, ...alone } = renamed[0]!;
  assert.deepEqual(contractErrors(renamed, [alone]), []);
  assert.match(contractErrors(images, [alone])[0]!, /^images 1.4 was removed/);
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
