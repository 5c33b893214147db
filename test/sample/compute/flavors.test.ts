import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CIRROS, startCompute } from '../sample-api.js';

test('SC-50 flavors are listed, listed in detail and shown', async (t) => {
  const { compute, url } = await startCompute(t);
  const list = await compute('GET /v2.1/flavors');
  assert.equal(list.status, 200);
  assert.deepEqual(
    list.json.flavors.map(({ id, name }: { id: string; name: string }) => [id, name]),
    [
      ['1', 'm1.tiny'],
      ['2', 'm1.small'],
      ['3', 'm1.medium'],
    ],
  );
  assert.deepEqual(list.json.flavors[0].links, [
    { rel: 'self', href: `${url}/v2.1/flavors/1` },
    { rel: 'bookmark', href: `${url}/flavors/1` },
  ]);
  const { flavors } = (await compute('GET /v2.1/flavors/detail')).json;
  const { flavor } = (await compute('GET /v2.1/flavors/2')).json;
  assert.deepEqual(flavors[1], flavor);
  const { links: _links, ...members } = flavor;
  assert.deepEqual(members, {
    id: '2',
    name: 'm1.small',
    ram: 2048,
    vcpus: 1,
    disk: 20,
    swap: '',
    rxtx_factor: 1,
    'OS-FLV-EXT-DATA:ephemeral': 0,
    'OS-FLV-DISABLED:disabled': false,
    'os-flavor-access:is_public': true,
  });
  assert.equal((await compute('GET /v2.1/flavors/9')).status, 404);
});

test('SC-51 a flavor is made, with numbers and booleans also as texts, and once only', async (t) => {
  const { compute } = await startCompute(t);
  const flavor = { name: 'f', ram: '512', vcpus: 2, disk: '0', swap: '64', 'os-flavor-access:is_public': 'false' };
  const made = await compute('POST /v2.1/flavors', { body: { flavor: { ...flavor, id: null } } });
  assert.equal(made.status, 200);
  assert.match(made.json.flavor.id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  assert.equal(made.json.flavor.ram, 512);
  assert.equal(made.json.flavor.swap, 64);
  assert.equal(made.json.flavor['os-flavor-access:is_public'], false);
  assert.equal((await compute('POST /v2.1/flavors', { body: { flavor: { ...flavor, id: 'auto' } } })).status, 409);
  const auto = await compute('POST /v2.1/flavors', { body: { flavor: { ...flavor, name: 'g', id: 'auto' } } });
  assert.equal(auto.json.flavor.id, 'auto');
  assert.equal(
    (await compute('POST /v2.1/flavors', { body: { flavor: { ...flavor, name: 'h', id: 'auto' } } })).status,
    409,
  );
  const described = { flavor: { ...flavor, name: 'i', description: 'd' } };
  assert.equal((await compute('POST /v2.1/flavors', { body: described, version: '2.54' })).status, 400);
  const now = await compute('POST /v2.1/flavors', { body: described, version: '2.55' });
  assert.equal(now.json.flavor.description, 'd');
});

test('SC-37 a flavor that is not public is there for administrators only', async (t) => {
  const api = await startCompute(t);
  const { compute } = api;
  const flavor = { id: 'hidden', name: 'hidden', ram: 512, vcpus: 1, disk: 1, 'os-flavor-access:is_public': false };
  await compute('POST /v2.1/flavors', { body: { flavor } });
  await compute('POST /v2.1/flavors/hidden/os-extra_specs', { body: { extra_specs: { a: '1' } } });
  const paths = ['hidden', 'hidden/os-extra_specs', 'hidden/os-extra_specs/a'];
  for (const path of paths) {
    assert.equal((await compute(`GET /v2.1/flavors/${path}`)).status, 200, path);
    const refused = await compute(`GET /v2.1/flavors/${path}`, { token: 'demo' });
    const unknown = await compute(`GET /v2.1/flavors/${path.replace('hidden', 'nobody')}`, { token: 'demo' });
    assert.equal(refused.status, 404, path);
    assert.equal(refused.text, unknown.text.replace('nobody', 'hidden'));
  }
  const server = { name: 's', flavorRef: 'hidden', imageRef: CIRROS };
  const made = await compute('POST /v2.1/servers', { token: 'demo', body: { server } });
  const other = { ...server, flavorRef: 'nobody' };
  const unknown = await compute('POST /v2.1/servers', { token: 'demo', body: { server: other } });
  assert.equal(made.status, 400);
  assert.equal(made.text, unknown.text.replace('nobody', 'hidden'));
  assert.equal((await compute('POST /v2.1/servers', { body: { server } })).status, 202);
  // Another project cannot use the hidden flavor as a marker.
  assert.equal((await compute('GET /v2.1/flavors?marker=hidden', { token: 'demo' })).status, 400);
});

test('SC-51 what is no flavor is refused by the name of its member', async (t) => {
  const { compute } = await startCompute(t);
  const flavor = { name: 'f', ram: 512, vcpus: 1, disk: 1 };
  for (const [member, value] of [
    ['ram', 0],
    ['ram', '0'],
    ['ram', 'many'],
    ['vcpus', 1.5],
    ['disk', -1],
    ['name', ''],
    ['name', ' f'],
    ['id', 'a/b'],
    ['rxtx_factor', 0],
    ['os-flavor-access:is_public', 'perhaps'],
    ['colour', 'red'],
  ] as const) {
    const answer = await compute('POST /v2.1/flavors', { body: { flavor: { ...flavor, [member]: value } } });
    assert.equal(answer.status, 400, `${member} = ${value}`);
    assert.ok(answer.json.badRequest.message.includes(member), answer.text);
  }
});

test('SC-52 a description is changed from 2.55 on, and a flavor is removed', async (t) => {
  const { compute } = await startCompute(t);
  const body = { flavor: { description: 'small' } };
  assert.equal((await compute('PUT /v2.1/flavors/1', { body, version: '2.54' })).status, 404);
  const changed = await compute('PUT /v2.1/flavors/1', { body, version: '2.55' });
  assert.equal(changed.status, 200);
  assert.equal(changed.json.flavor.description, 'small');
  const removed = await compute('DELETE /v2.1/flavors/1');
  assert.deepEqual([removed.status, removed.text], [202, '']);
  assert.equal((await compute('GET /v2.1/flavors/1')).status, 404);
  assert.equal((await compute('DELETE /v2.1/flavors/1')).status, 404);
});

test('SC-53 extra specs are added, changed and removed', async (t) => {
  const { compute } = await startCompute(t);
  const path = '/v2.1/flavors/1/os-extra_specs';
  const added = await compute(`POST ${path}`, { body: { extra_specs: { a: '1', b: '2' } } });
  assert.deepEqual([added.status, added.json], [200, { extra_specs: { a: '1', b: '2' } }]);
  assert.deepEqual((await compute(`PUT ${path}/a`, { body: { a: '3' } })).json, { a: '3' });
  assert.equal((await compute(`PUT ${path}/a`, { body: { b: '3' } })).status, 400);
  assert.deepEqual((await compute(`GET ${path}/a`)).json, { a: '3' });
  const removed = await compute(`DELETE ${path}/b`);
  assert.deepEqual([removed.status, removed.text], [200, '']);
  assert.equal((await compute(`GET ${path}/b`)).status, 404);
  assert.equal((await compute(`DELETE ${path}/b`)).status, 404);
  assert.deepEqual((await compute(`GET ${path}`)).json, { extra_specs: { a: '3' } });
  assert.equal((await compute(`POST ${path}`, { body: { extra_specs: { 'a/b': '1' } } })).status, 400);
  assert.equal((await compute('GET /v2.1/flavors/9/os-extra_specs')).status, 404);
  const { flavor } = (await compute('GET /v2.1/flavors/1', { version: '2.61' })).json;
  assert.deepEqual(flavor.extra_specs, { a: '3' });
});

test('a private flavor is for administrators and for the projects of its access list', async (t) => {
  const { compute } = await startCompute(t);
  const flavor = { id: 'p', name: 'private', ram: 1, vcpus: 1, disk: 0, 'os-flavor-access:is_public': false };
  assert.equal((await compute('POST /v2.1/flavors', { body: { flavor } })).status, 200);
  const access = async (what: string, tenant: string, path = 'p', version = '2.7') =>
    compute(`POST /v2.1/flavors/${path}/action`, { version, body: { [what]: { tenant } } });
  const seen = async (token: string) => {
    const { flavors } = (await compute('GET /v2.1/flavors', { token })).json;
    const isListed = flavors.some(({ id }: { id: string }) => id === 'p');
    const server = { name: 's', flavorRef: 'p', imageRef: CIRROS };
    return [
      isListed,
      (await compute('GET /v2.1/flavors/p', { token })).status,
      (await compute('POST /v2.1/servers', { token, body: { server } })).status,
    ];
  };
  assert.deepEqual(await seen('ann:blue'), [false, 404, 400]);
  assert.deepEqual((await compute('GET /v2.1/flavors/p/os-flavor-access')).json, { flavor_access: [] });
  const added = await access('addTenantAccess', 'blue');
  assert.deepEqual(added.json, { flavor_access: [{ flavor_id: 'p', tenant_id: 'blue' }] });
  assert.deepEqual(await seen('ann:blue'), [true, 200, 202]);
  assert.deepEqual(await seen('ann:red'), [false, 404, 400]);
  assert.equal((await access('addTenantAccess', 'blue')).status, 409);
  assert.equal((await access('addTenantAccess', 'blue', '1')).status, 409, 'a public flavor');
  assert.equal((await access('addTenantAccess', 'blue', '1', '2.6')).status, 200);
  assert.equal((await compute('GET /v2.1/flavors/1/os-flavor-access')).status, 404);
  const byUser = { token: 'ann:blue', body: { addTenantAccess: { tenant: 'red' } } };
  assert.equal((await compute('POST /v2.1/flavors/p/action', byUser)).status, 403);
  assert.equal((await compute('GET /v2.1/flavors/p/os-flavor-access', { token: 'ann:blue' })).status, 403);
  assert.equal((await access('removeTenantAccess', 'blue')).status, 200);
  assert.equal((await access('removeTenantAccess', 'blue')).status, 404);
  assert.deepEqual(await seen('ann:blue'), [false, 404, 400]);

  await access('addTenantAccess', 'blue');
  await compute('DELETE /v2.1/flavors/p');
  await compute('POST /v2.1/flavors', { body: { flavor } });
  assert.deepEqual(await seen('ann:blue'), [false, 404, 400], 'a new flavor of the same id has no access of the old');
});
