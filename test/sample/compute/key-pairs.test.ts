import assert from 'node:assert/strict';
import crypto, { createHash, createPublicKey, createSign, createVerify } from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { temporaryFolder } from '../../fixtures/keeper.js';
import { sampleConfig, startCompute } from '../sample-api.js';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f somebody@somewhere';

test('SC-55 a key is made; its private half fits and is given once', async (t) => {
  const { compute } = await startCompute(t);
  const made = await compute('POST /v2.1/os-keypairs', { body: { keypair: { name: 'my key_1-2' } } });
  assert.equal(made.status, 200);
  const { private_key, public_key, fingerprint, ...rest } = made.json.keypair;
  assert.deepEqual(rest, { name: 'my key_1-2', user_id: 'admin' });
  assert.match(private_key, /^-----BEGIN RSA PRIVATE KEY-----/);
  const blob = Buffer.from(public_key.split(' ')[1], 'base64');
  assert.equal(fingerprint.replaceAll(':', ''), createHash('md5').update(blob).digest('hex'));
  const { n } = createPublicKey(private_key).export({ format: 'jwk' });
  assert.ok(blob.includes(Buffer.from(n!, 'base64url')), 'the public half is another one');
  const signature = createSign('sha256').update('text').sign(private_key);
  assert.ok(createVerify('sha256').update('text').verify(createPublicKey(private_key), signature));
  const { keypair } = (await compute('GET /v2.1/os-keypairs/my%20key_1-2')).json;
  assert.equal(keypair.private_key, undefined);
});

test('SC-55 a key is taken over, once, and has a type from 2.2 on', async (t) => {
  const { compute } = await startCompute(t);
  const keypair = { name: 'k', public_key: KEY };
  const made = await compute('POST /v2.1/os-keypairs', {
    body: { keypair: { ...keypair, type: 'ssh' } },
    version: '2.2',
  });
  assert.equal(made.status, 201);
  assert.deepEqual(made.json.keypair, {
    ...keypair,
    type: 'ssh',
    user_id: 'admin',
    fingerprint: createHash('md5')
      .update(Buffer.from(KEY.split(' ')[1]!, 'base64'))
      .digest('hex')
      .match(/../g)!
      .join(':'),
  });
  assert.equal((await compute('POST /v2.1/os-keypairs', { body: { keypair } })).status, 409);
  assert.equal(
    (await compute('POST /v2.1/os-keypairs', { body: { keypair: { ...keypair, type: 'ssh' } } })).status,
    400,
  );
  for (const name of ['a/b', ' a', 'a ', 'ä', '', 'a.b', 'x'.repeat(256)]) {
    assert.equal((await compute('POST /v2.1/os-keypairs', { body: { keypair: { name } } })).status, 400, name);
  }
  for (const public_key of ['', 'nonsense', 'ssh-rsa AAAA', 'ssh-rsa !!!!', `ssh-rsa ${KEY.split(' ')[1]}`]) {
    const answer = await compute('POST /v2.1/os-keypairs', { body: { keypair: { name: 'n', public_key } } });
    assert.equal(answer.status, 400, public_key);
  }
});

test('SC-56 keys are listed, shown and removed', async (t) => {
  const { compute } = await startCompute(t);
  for (const name of ['b', 'a']) {
    await compute('POST /v2.1/os-keypairs', { body: { keypair: { name, public_key: KEY } } });
  }
  const list = (await compute('GET /v2.1/os-keypairs')).json.keypairs;
  assert.deepEqual(
    list.map(({ keypair }: { keypair: object }) => Object.keys(keypair).sort().join(' ')),
    ['fingerprint name public_key', 'fingerprint name public_key'],
  );
  assert.deepEqual(
    list.map(({ keypair }: { keypair: { name: string } }) => keypair.name),
    ['a', 'b'],
  );
  const { keypair } = (await compute('GET /v2.1/os-keypairs/a', { version: '2.2' })).json;
  const { created_at, id, fingerprint: _fingerprint, ...rest } = keypair;
  assert.match(created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/);
  assert.equal(typeof id, 'number');
  assert.deepEqual(rest, {
    name: 'a',
    public_key: KEY,
    type: 'ssh',
    user_id: 'admin',
    updated_at: null,
    deleted: false,
    deleted_at: null,
  });
  assert.equal((await compute('DELETE /v2.1/os-keypairs/a')).status, 202);
  assert.equal((await compute('DELETE /v2.1/os-keypairs/a')).status, 404);
  assert.equal((await compute('DELETE /v2.1/os-keypairs/b', { version: '2.2' })).status, 204);
});

test('SC-56 SC-80 administrators name a user from 2.10 on', async (t) => {
  const { compute } = await startCompute(t);
  const body = { keypair: { name: 'k', public_key: KEY, user_id: 'alice' } };
  assert.equal((await compute('POST /v2.1/os-keypairs', { body, version: '2.9' })).status, 400);
  assert.equal((await compute('POST /v2.1/os-keypairs', { body, version: '2.10' })).status, 201);
  assert.equal((await compute('GET /v2.1/os-keypairs/k', { token: 'alice' })).status, 200);
  assert.equal((await compute('GET /v2.1/os-keypairs/k', { version: '2.10' })).status, 404);
  assert.equal((await compute('GET /v2.1/os-keypairs/k?user_id=alice', { version: '2.10' })).status, 200);
  assert.equal((await compute('GET /v2.1/os-keypairs?user_id=alice', { version: '2.9' })).json.keypairs.length, 0);
  assert.equal((await compute('GET /v2.1/os-keypairs?user_id=alice', { version: '2.10' })).json.keypairs.length, 1);
  const denied = await compute('GET /v2.1/os-keypairs?user_id=alice', { version: '2.10', token: 'bob' });
  assert.equal(denied.status, 403);
});

test('SC-55 no key is made for who may not keep it, or has one of that name', async (t) => {
  const original = crypto.generateKeyPair;
  const counted = t.mock.fn(promisify(original));
  crypto.generateKeyPair = Object.assign(() => undefined, { [promisify.custom]: counted, __promisify__: counted });
  syncBuiltinESMExports();
  t.after(() => {
    crypto.generateKeyPair = original;
    syncBuiltinESMExports();
  });
  const { compute } = await startCompute(t, sampleConfig(temporaryFolder(), 'quota_key_pairs = 2'));
  const create = async (name: string, members: object = {}) =>
    (await compute('POST /v2.1/os-keypairs', { body: { keypair: { name, ...members } } })).status;
  assert.equal(await create('a'), 200);
  assert.equal(await create('a'), 409);
  assert.equal(counted.mock.callCount(), 1);
  assert.equal(await create('b', { public_key: KEY }), 200);
  assert.equal(await create('c'), 403);
  assert.equal(await create('b'), 409);
  assert.equal(counted.mock.callCount(), 1);
  const foreign = { keypair: { name: 'd', user_id: 'alice' } };
  const denied = await compute('POST /v2.1/os-keypairs', { body: foreign, version: '2.10', token: 'bob' });
  assert.equal(denied.status, 403);
  assert.equal(counted.mock.callCount(), 1);
});
