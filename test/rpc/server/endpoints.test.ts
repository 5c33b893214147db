import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expose, rpc, untracked } from 'portico/rpc';
import { Endpoints } from '#internal/extras/rpc';

class Old {
  readonly target = { version: '1.9' };
  resize(): string {
    return 'old';
  }
}
class New {
  readonly target = { version: '2.1' };
  resize(): string {
    return 'new';
  }
}
class Admin {
  readonly target = { namespace: 'admin', acceptedNamespaces: ['root'] };
  @expose
  drop(): void {}
  @untracked
  hidden(): void {}
  initHost(): void {}
}

test('RP-8 RP-41 the first endpoint that has namespace, version and method serves a call', () => {
  const endpoints = new Endpoints([new Old(), new New(), new Admin()]);
  for (const [asked, name] of [
    [{ method: 'resize' }, 'Old.resize'],
    [{ method: 'resize', ver: '1.9' }, 'Old.resize'],
    [{ method: 'resize', ver: '2.0' }, 'New.resize'],
    [{ method: 'drop', ns: 'admin' }, 'Admin.drop'],
    [{ method: 'drop', ns: 'root', ver: '1.0' }, 'Admin.drop'],
  ] as const) {
    assert.equal(endpoints.find(asked).name, name);
  }
  const names = endpoints.methods.map(({ name }) => name);
  assert.deepEqual(names, ['Old.resize', 'New.resize', 'Admin.drop']);
});

test('RP-2 an endpoint is served under the target that it had when its server began', () => {
  const target = { namespace: 'admin', version: '1.1', acceptedNamespaces: ['root'] };
  const endpoints = new Endpoints([{ target, drop() {} }]);
  Object.assign(target, { namespace: 'other', version: '2.0' });
  target.acceptedNamespaces.push('late');
  for (const ns of ['admin', 'root'])
    assert.equal(endpoints.find({ method: 'drop', ns, ver: '1.1' }).name, 'endpoint.drop');
  for (const [ns, ver] of [
    ['other', '1.1'],
    ['late', '1.1'],
    ['admin', '2.0'],
  ] as const) {
    assert.throws(() => endpoints.find({ method: 'drop', ns, ver }), { code: 'PORTICO_RPC_UNSUPPORTED_VERSION' });
  }
});

test('RP-9 RP-10 RP-98 a method that is not exposed does not exist, whatever objects inherit', () => {
  const endpoints = new Endpoints([new Old(), new Admin()]);
  for (const method of ['constructor', 'toString', '__proto__', 'hasOwnProperty', 'target', 'drop']) {
    assert.throws(() => endpoints.find({ method }), { code: 'PORTICO_RPC_NO_SUCH_METHOD' }, method);
  }
  for (const method of ['hidden', 'initHost', 'resize']) {
    assert.throws(() => endpoints.find({ method, ns: 'admin' }), { code: 'PORTICO_RPC_NO_SUCH_METHOD' }, method);
  }
  assert.throws(() => endpoints.find({ method: 'resise' }), { hint: 'Did you mean "resize"?' });
});

test('RP-9 RP-46 where nothing fits, the versions that are there are named', () => {
  const endpoints = new Endpoints([new Old(), new New()]);
  for (const [asked, message] of [
    [{ method: 'resize', ver: '1.10' }, /"resize" was requested in version 1\.10: there is 1\.9, 2\.1$/],
    [{ method: 'resize', ver: '3.0' }, /version 3\.0/],
    [{ method: 'resize', ver: 'x' }, /version x/],
    [{ method: 'drop', ns: 'admin' }, /in namespace admin: there is no such namespace$/],
  ] as const) {
    assert.throws(() => endpoints.find(asked), { code: 'PORTICO_RPC_UNSUPPORTED_VERSION', message });
  }
});

test('RV-14 RP-77 the delay of a retry is a number of seconds that a broker can keep a message', () => {
  for (const retryDelay of [-1, Number.NaN, Number.POSITIVE_INFINITY, 901, '5' as never]) {
    assert.throws(() => rpc({ ack: 'late', idempotent: true, retryDelay }), { code: 'PORTICO_RPC_METHOD' });
  }
  for (const retryDelay of [0, 0.5, 900]) rpc({ ack: 'late', idempotent: true, retryDelay });
});

test('RP-72 a method that is acknowledged late is idempotent and not long; a version is one', () => {
  assert.throws(() => rpc({ ack: 'late' }), { code: 'PORTICO_RPC_METHOD' });
  assert.throws(() => rpc({ ack: 'late', idempotent: true, long: true }), { code: 'PORTICO_RPC_METHOD' });
  assert.throws(() => new Endpoints([{ target: { version: '1' }, a() {} }]), { code: 'PORTICO_RPC_INVALID_TARGET' });
});
