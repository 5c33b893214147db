import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { test } from 'node:test';
import { temporaryFolder } from '../fixtures/keeper.js';
import {
  ask,
  askMetadata,
  load,
  makeServer,
  type SampleApi,
  SECRET,
  sampleConfig,
  serve,
  startCompute,
} from './sample-api.js';

const VERSIONS = '1.0 2007-01-19 2007-03-01 2007-08-29 2007-10-10 2007-12-15 2008-02-01 2008-09-01 2009-04-04 latest';
const OPENSTACK =
  '2012-08-10 2013-04-04 2013-10-17 2015-10-15 2016-06-30 2016-10-06 2017-02-22 2018-08-27 2020-10-14 latest';

/** Starts both APIs over one store, each with its configuration and its connection, as in two processes. */
async function startBoth(t: import('node:test').TestContext): Promise<{ api: SampleApi; port: number }> {
  const folder = temporaryFolder();
  const api = await startCompute(t, sampleConfig(folder));
  return { api, port: await serve(t, await load(t, 'metadata', sampleConfig(folder))) };
}

test('SC-92 the root lists the versions, to everybody', async (t) => {
  const { port } = await startBoth(t);
  const answer = await ask(port, 'GET /', { token: null });
  assert.deepEqual([answer.status, answer.text.split('\n').join(' ')], [200, VERSIONS]);
  assert.match(answer.headers['content-type'] ?? '', /^text\/plain/);
  const head = await ask(port, 'HEAD /', { token: null });
  assert.deepEqual([head.status, head.text], [200, '']);
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
    const refused = await ask(port, `${method} /`, { token: null });
    assert.deepEqual([refused.status, refused.headers.allow], [405, 'GET, HEAD'], method);
  }
});

test('SC-91 the proxy says, and signs, which server asks', async (t) => {
  const { api, port } = await startBoth(t);
  const id = await makeServer(api);
  const signature = createHmac('sha256', SECRET).update(id).digest('hex');
  const all = { 'X-Instance-ID': id, 'X-Tenant-ID': 'admin', 'X-Instance-ID-Signature': signature };
  const status = async (headers: Record<string, string>) => {
    const answer = await ask(port, 'GET /latest/', { token: null, headers });
    assert.match(answer.headers['content-type'] ?? '', /^text\/plain/);
    return answer.status;
  };
  const without = (name: keyof typeof all) => Object.fromEntries(Object.entries(all).filter(([key]) => key !== name));
  assert.equal(await status(all), 200);
  assert.equal(await status(without('X-Instance-ID')), 400);
  assert.equal(await status(without('X-Tenant-ID')), 400);
  assert.equal(await status(without('X-Instance-ID-Signature')), 400);
  assert.equal(
    await status({ ...all, 'X-Instance-ID-Signature': signature.replace(/^./, (c) => (c === '0' ? '1' : '0')) }),
    403,
  );
  assert.equal(await status({ ...all, 'X-Instance-ID-Signature': 'nonsense' }), 403);
  assert.equal(await status({ ...all, 'X-Instance-ID': 'other' }), 403);
  assert.equal(await status({ ...all, 'X-Tenant-ID': 'other' }), 404);
  const nobody = '00000000-0000-4000-8000-000000000000';
  assert.equal((await askMetadata(port, '/latest/', { id: nobody, tenant_id: 'admin' })).status, 404);
});

test('SC-90 SC-93 SC-94 in EC2’s form', async (t) => {
  const { api, port } = await startBoth(t);
  const { public_key } = (await api.compute('POST /v2.1/os-keypairs', { body: { keypair: { name: 'k1' } } })).json
    .keypair;
  const user_data = Buffer.from('#!/bin/sh\n').toString('base64');
  const id = await makeServer(api, { name: 'Web Server_1.x', key_name: 'k1', user_data });
  const get = async (path: string) => {
    const answer = await askMetadata(port, path, { id, tenant_id: 'admin' });
    return answer.status === 200 ? answer.text : answer.status;
  };
  assert.equal(await get('/latest'), 'meta-data/\nuser-data');
  assert.equal(await get('/latest/'), 'meta-data/\nuser-data');
  assert.equal(await get('/1.0/user-data'), '#!/bin/sh\n');
  assert.deepEqual(String(await get('/2009-04-04/meta-data/')).split('\n'), [
    'ami-id',
    'ami-launch-index',
    'ami-manifest-path',
    'block-device-mapping/',
    'hostname',
    'instance-action',
    'instance-id',
    'instance-type',
    'local-hostname',
    'local-ipv4',
    'placement/',
    'public-hostname',
    'public-ipv4',
    'public-keys/',
    'reservation-id',
    'security-groups',
  ]);
  const leaf = (path: string) => get(`/latest/meta-data/${path}`);
  assert.equal(await leaf('block-device-mapping'), 'ami\nroot');
  assert.equal(await leaf('block-device-mapping/root'), '/dev/vda');
  assert.equal(await leaf('hostname'), 'web-server-1-x.novalocal');
  assert.match(String(await leaf('instance-id')), /^i-[0-9a-f]{8}$/);
  assert.equal(await leaf('instance-type'), 'm1.tiny');
  assert.equal(await leaf('placement/availability-zone'), 'nova');
  assert.equal(await leaf('public-keys/'), '0=k1');
  assert.equal(await leaf('public-keys/0/'), 'openssh-key');
  assert.equal(await leaf('public-keys/0/openssh-key'), public_key);
  assert.match(String(await leaf('reservation-id')), /^r-/);
  assert.equal(await leaf('nothing'), 404);
  assert.equal(await leaf('hostname/more'), 404);
  assert.equal(await get('/2030-01-01/'), 404);
  assert.equal(await get('/1.0/meta-data/placement/'), 404);
});

test('SC-93 without user data and key their names are not there', async (t) => {
  const { api, port } = await startBoth(t);
  const server = { id: await makeServer(api), tenant_id: 'admin' };
  assert.equal((await askMetadata(port, '/latest/', server)).text, 'meta-data/');
  assert.equal((await askMetadata(port, '/latest/user-data', server)).status, 404);
  assert.equal((await askMetadata(port, '/latest/meta-data/public-keys/', server)).status, 404);
  assert.equal((await askMetadata(port, '/openstack/latest/user_data', server)).status, 404);
});

test('SC-95 SC-96 in OpenStack’s form', async (t) => {
  const { api, port } = await startBoth(t);
  const { public_key } = (await api.compute('POST /v2.1/os-keypairs', { body: { keypair: { name: 'k1' } } })).json
    .keypair;
  const bytes = Buffer.from([0, 255, 10, 13]);
  const members = { key_name: 'k1', user_data: bytes.toString('base64'), metadata: { role: 'web' } };
  const server = { id: await makeServer(api, members), tenant_id: 'admin' };
  const get = (path: string) => askMetadata(port, path, server);
  assert.equal((await get('/openstack')).text.split('\n').join(' '), OPENSTACK);
  assert.equal(
    (await get('/openstack/latest/')).text.split('\n').join(' '),
    'meta_data.json user_data password vendor_data.json network_data.json vendor_data2.json',
  );
  assert.equal((await get('/openstack/2012-08-10')).text, 'meta_data.json\nuser_data');
  assert.equal((await get('/openstack/2030-01-01')).status, 404);
  assert.deepEqual((await get('/openstack/latest/user_data')).bytes, bytes);
  for (const name of ['vendor_data.json', 'network_data.json', 'vendor_data2.json']) {
    const answer = await get(`/openstack/latest/${name}`);
    assert.match(answer.headers['content-type'] ?? '', /^application\/json/, name);
    assert.equal(typeof answer.json, 'object', name);
  }
  const { random_seed, ...rest } = (await get('/openstack/latest/meta_data.json')).json;
  assert.equal(Buffer.from(random_seed, 'base64').length, 512);
  assert.equal((await get('/openstack/latest/meta_data.json')).json.random_seed, random_seed);
  // The seed cannot be computed from the server's id.
  const guess = createHash('shake256', { outputLength: 512 }).update(server.id).digest('base64');
  assert.notEqual(random_seed, guess);
  const shown = await Promise.all(
    ['GET /v2.1/servers/detail?all_tenants=1', `GET /v2.1/servers/${server.id}`].map((line) =>
      api.compute(line, { version: '2.79' }),
    ),
  );
  for (const { text } of shown) assert.ok(!text.includes('seed'));
  assert.deepEqual(rest, {
    uuid: server.id,
    name: 's1',
    hostname: 's1.novalocal',
    availability_zone: 'nova',
    launch_index: 0,
    meta: { role: 'web' },
    public_keys: { k1: public_key },
    keys: [{ name: 'k1', type: 'ssh', data: public_key }],
    project_id: 'admin',
    devices: [],
    dedicated_cpus: [],
  });
  const oldest = (await get('/openstack/2012-08-10/meta_data.json')).json;
  assert.deepEqual([oldest.random_seed, oldest.uuid], [undefined, server.id]);
});

test('SC-97 what changes in the compute API shows here at once', async (t) => {
  const { api, port } = await startBoth(t);
  const server = { id: await makeServer(api), tenant_id: 'admin' };
  await api.compute(`PUT /v2.1/servers/${server.id}`, { body: { server: { name: 'renamed' } } });
  await api.compute(`POST /v2.1/servers/${server.id}/metadata`, { body: { metadata: { a: 'b' } } });
  const { name, meta } = (await askMetadata(port, '/openstack/latest/meta_data.json', server)).json;
  assert.deepEqual([name, meta], ['renamed', { a: 'b' }]);
  await api.compute(`DELETE /v2.1/servers/${server.id}`);
  assert.equal((await askMetadata(port, '/latest/', server)).status, 404);
});
