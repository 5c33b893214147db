import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Answer, makeServer, startCompute } from './sample-api.js';

const ID = /^req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Returns the version headers and `Vary`, without the `Origin` that filters add. */
function versionHeaders({ headers }: Answer): unknown[] {
  const vary = headers.vary?.split(', ').filter((name) => name !== 'Origin');
  return [headers['openstack-api-version'], headers['x-openstack-nova-api-version'], vary?.join(', ') || undefined];
}

test('SC-30 every response carries versions and request ids, faults too', async (t) => {
  const { compute } = await startCompute(t);
  const vary = 'OpenStack-API-Version, X-OpenStack-Nova-API-Version';
  const inbound = 'req-11111111-2222-3333-4444-555555555555';
  const headers = { 'X-Openstack-Request-Id': inbound };
  for (const line of ['GET /v2.1/flavors', 'GET /v2.1/flavors/9', 'GET /v2.1/nothing', 'PATCH /v2.1/flavors']) {
    const answer = await compute(line, { version: '2.53', headers });
    assert.deepEqual(versionHeaders(answer), ['compute 2.53', '2.53', vary], line);
    const id = String(answer.headers['x-openstack-request-id']);
    assert.match(id, ID);
    assert.equal(answer.headers['x-compute-request-id'], id);
    assert.notEqual(id, inbound);
  }
  const malformed = await compute('GET /v2.1/flavors', { version: 'two' });
  assert.equal(malformed.status, 400);
  assert.deepEqual(versionHeaders(malformed), [undefined, undefined, undefined]);
  const refused = await compute('GET /v2.1/flavors', { version: '2.999' });
  assert.deepEqual([refused.status, ...versionHeaders(refused)], [406, undefined, undefined, vary]);
  for (const answer of [malformed, refused, await compute('GET /v2.1/flavors', { token: null })]) {
    assert.match(String(answer.headers['x-openstack-request-id']), ID);
  }
});

test('SC-31 responses are JSON whatever is accepted; empty ones have no type', async (t) => {
  const api = await startCompute(t);
  const answer = await api.compute('GET /v2.1/flavors', { headers: { Accept: 'application/xml' } });
  assert.deepEqual([answer.status, answer.headers['content-type']?.split(';')[0]], [200, 'application/json']);
  const id = await makeServer(api);
  const acted = await api.compute(`POST /v2.1/servers/${id}/action`, { body: { 'os-stop': null } });
  assert.deepEqual([acted.status, acted.text, acted.headers['content-type']], [202, '', undefined]);
  const removed = await api.compute(`DELETE /v2.1/servers/${id}`);
  assert.deepEqual([removed.status, removed.text, removed.headers['content-type']], [204, '', undefined]);
});

test('SC-32 SC-33 faults have nova’s names', async (t) => {
  const { compute } = await startCompute(t);
  const fault = async (line: string, asked = {}): Promise<unknown> => {
    const { status, json } = await compute(line, asked);
    const [[name, { code }]] = Object.entries(json) as [[string, { code: number }]];
    return [status, name, code];
  };
  assert.deepEqual(await fault('GET /v2.1/flavors?limit=x'), [400, 'badRequest', 400]);
  assert.deepEqual(await fault('DELETE /v2.1/flavors/1', { token: 'demo' }), [403, 'forbidden', 403]);
  assert.deepEqual(await fault('GET /v2.1/nothing'), [404, 'itemNotFound', 404]);
  assert.deepEqual(await fault('GET /v2.1/flavors/'), [404, 'itemNotFound', 404]);
  assert.deepEqual(await fault('PATCH /v2.1/flavors'), [405, 'badMethod', 405]);
  const body = { flavor: { name: 'm1.tiny', ram: 1, vcpus: 1, disk: 1 } };
  assert.deepEqual(await fault('POST /v2.1/flavors', { body }), [409, 'conflictingRequest', 409]);
  const xml = { body: '<flavor/>', headers: { 'Content-Type': 'application/xml' } };
  assert.deepEqual(await fault('POST /v2.1/flavors', xml), [415, 'badMediaType', 415]);
  assert.deepEqual(await fault('GET /v2.1/os-hypervisors/1/uptime'), [501, 'notImplemented', 501]);
  assert.deepEqual(await fault('GET /v2.1/flavors', { version: '2.999' }), [406, 'computeFault', 406]);
  const wrongMethod = await compute('PATCH /v2.1/flavors');
  assert.match(wrongMethod.headers.allow ?? '', /GET.*POST/);
});

test('SC-34 bodies are JSON objects, also without a type or as plain text', async (t) => {
  const { compute } = await startCompute(t);
  const body = (name: string) => JSON.stringify({ flavor: { name, ram: 1, vcpus: 1, disk: 1 } });
  const status = async (text: string, type = 'application/json') =>
    (await compute('POST /v2.1/flavors', { body: text, headers: { 'Content-Type': type } })).status;
  assert.equal(await status(body('plain'), 'text/plain'), 200);
  assert.equal(await status(body('json'), 'application/json; charset=utf-8'), 200);
  assert.equal(await status(body('form'), 'application/x-www-form-urlencoded'), 415);
  for (const text of ['{', '', '[]', '1', 'null', '"text"']) assert.equal(await status(text), 400, text);
  assert.equal(await status(body('x'.repeat(114_700))), 413);
  const chunked = await compute('POST /v2.1/flavors', {
    body: body('x'.repeat(114_700)),
    headers: { 'Transfer-Encoding': 'chunked' },
  });
  assert.equal(chunked.status, 413);
});

test('SC-35 unknown members are refused by name', async (t) => {
  const { compute } = await startCompute(t);
  const flavor = { name: 'f', ram: 1, vcpus: 1, disk: 1 };
  const inside = await compute('POST /v2.1/flavors', { body: { flavor: { ...flavor, colour: 'red' } } });
  assert.equal(inside.status, 400);
  assert.match(inside.json.badRequest.message, /colour/);
  assert.equal((await compute('POST /v2.1/flavors', { body: { flavor, more: 1 } })).status, 400);
});

test('SC-36 undeclared parameters are ignored below 2.75, and refused from there', async (t) => {
  const api = await startCompute(t);
  const status = async (path: string, version: string) => (await api.compute(`GET /v2.1/${path}`, { version })).status;
  for (const path of [
    'flavors',
    'flavors/detail',
    'servers',
    'servers/detail',
    'os-keypairs',
    'limits',
    'os-server-groups',
  ]) {
    assert.equal(await status(`${path}?bogus=1`, '2.74'), 200, path);
    assert.equal(await status(`${path}?bogus=1`, '2.75'), 400, path);
  }
  assert.equal(await status('os-services?bogus=1', '2.74'), 200);
  assert.equal(await status('os-services?bogus=1', '2.75'), 400);
  assert.equal(await status('os-hypervisors?bogus=1', '2.52'), 200);
  assert.equal(await status('os-hypervisors?bogus=1', '2.53'), 400);
  assert.equal(await status('os-aggregates?bogus=1', '2.79'), 200);
  assert.equal(await status(`servers/${await makeServer(api)}?bogus=1`, '2.79'), 200);
  const repeated = await api.compute('GET /v2.1/flavors?limit=1&limit=2', { version: '2.79' });
  assert.equal(repeated.json.flavors.length, 2);
});

test('SC-37 administrators only', async (t) => {
  const { compute } = await startCompute(t);
  const flavor = { name: 'f', ram: 1, vcpus: 1, disk: 1 };
  const denied = async (line: string, policy: string, body?: object) => {
    const answer = await compute(line, { token: 'demo', ...(body && { body }), version: '2.55' });
    const message = `Policy doesn't allow os_compute_api:${policy} to be performed.`;
    assert.deepEqual([answer.status, answer.json], [403, { forbidden: { code: 403, message } }], line);
  };
  await denied('POST /v2.1/flavors', 'os-flavor-manage:create', { flavor });
  await denied('PUT /v2.1/flavors/1', 'os-flavor-manage:update', { flavor: { description: null } });
  await denied('DELETE /v2.1/flavors/1', 'os-flavor-manage:delete');
  await denied('POST /v2.1/flavors/1/os-extra_specs', 'os-flavor-extra-specs:create', { extra_specs: {} });
  await denied('PUT /v2.1/flavors/1/os-extra_specs/a', 'os-flavor-extra-specs:update', { a: 'b' });
  await denied('DELETE /v2.1/flavors/1/os-extra_specs/a', 'os-flavor-extra-specs:delete');
  await denied('GET /v2.1/os-services', 'os-services:list');
  await denied('GET /v2.1/os-hypervisors', 'os-hypervisors:list');
  await denied('GET /v2.1/os-hypervisors/detail', 'os-hypervisors:list-detail');
  await denied('GET /v2.1/os-hypervisors/statistics', 'os-hypervisors:statistics');
  await denied('GET /v2.1/os-aggregates', 'os-aggregates:index');
  await denied('POST /v2.1/os-aggregates', 'os-aggregates:create', { aggregate: { name: 'a' } });
  await denied('GET /v2.1/os-availability-zone/detail', 'os-availability-zone:detail');
  await denied('GET /v2.1/servers?all_tenants=1', 'servers:index:get_all_tenants');
  await denied('GET /v2.1/servers/detail?all_tenants', 'servers:detail:get_all_tenants');
});

test('SC-37 what belongs to somebody else is not found', async (t) => {
  const api = await startCompute(t);
  const alice = { token: 'alice:one' };
  const id = await makeServer(api, {}, alice);
  const group = { server_group: { name: 'g', policies: ['affinity'] } };
  const made = await api.compute('POST /v2.1/os-server-groups', { ...alice, body: group });
  await api.compute('POST /v2.1/os-keypairs', { ...alice, body: { keypair: { name: 'k' } } });
  for (const path of [`servers/${id}`, `os-server-groups/${made.json.server_group.id}`, 'os-keypairs/k']) {
    assert.equal((await api.compute(`GET /v2.1/${path}`, alice)).status, 200, path);
    assert.equal((await api.compute(`GET /v2.1/${path}`, { token: 'bob:two' })).status, 404, path);
    assert.equal((await api.compute(`DELETE /v2.1/${path}`, { token: 'bob:two' })).status, 404, path);
  }
  assert.equal((await api.compute(`GET /v2.1/servers/${id}`, { token: 'bob:one' })).status, 200);
});

test('SC-38 actions work without a version header', async (t) => {
  const api = await startCompute(t);
  const id = await makeServer(api);
  const act = async (body: object) => (await api.compute(`POST /v2.1/servers/${id}/action`, { body })).status;
  for (const body of [
    { pause: null },
    { unpause: null },
    { lock: null },
    { unlock: null },
    { reboot: { type: 'SOFT' } },
  ]) {
    assert.equal(await act(body), 202, JSON.stringify(body));
  }
});

test('SC-6 what the sample does not have is not found', async (t) => {
  const { compute } = await startCompute(t);
  for (const path of ['os-networks', 'os-security-groups', 'os-floating-ips', 'os-volumes', 'os-snapshots']) {
    assert.equal((await compute(`GET /v2.1/${path}`)).status, 404, path);
  }
});
