import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CIRROS, makeServer, startCompute } from '../sample-api.js';

const newServer = { server: { name: 'x', flavorRef: '1', imageRef: CIRROS } };

test('quotas of a project are shown, changed and taken back, and hold', async (t) => {
  const { compute } = await startCompute(t);
  const quotas = async (path: string, token = 'admin') =>
    (await compute(`GET /v2.1/${path}`, { token })).json.quota_set;
  const change = (quota_set: object, query = '') =>
    compute(`PUT /v2.1/os-quota-sets/blue${query}`, { body: { quota_set } });
  const token = 'ann:blue';

  assert.equal((await quotas('os-quota-sets/blue', token)).instances, 10);
  const answer = await change({ instances: 2, cores: '3', server_groups: 1, metadata_items: 1, key_pairs: 1 });
  assert.equal(answer.status, 200);
  assert.deepEqual([answer.json.quota_set.cores, answer.json.quota_set.id], [3, undefined]);
  assert.equal((await quotas('os-quota-sets/blue', token)).instances, 2);
  assert.equal((await quotas('os-quota-sets/blue/defaults', token)).instances, 10);
  assert.equal((await compute('GET /v2.1/limits', { token })).json.limits.absolute.maxTotalInstances, 2);

  const { id } = (await compute('POST /v2.1/servers', { token, body: newServer })).json.server;
  assert.equal((await compute('POST /v2.1/servers', { token, body: newServer })).status, 202);
  assert.equal((await compute('POST /v2.1/servers', { token, body: newServer })).status, 403);
  const metadata = { metadata: { a: 'b', c: 'd' } };
  assert.equal((await compute(`POST /v2.1/servers/${id}/metadata`, { token, body: metadata })).status, 403);
  assert.equal((await compute(`PUT /v2.1/servers/${id}/metadata`, { token, body: metadata })).status, 403);
  const group = { server_group: { name: 'g', policies: ['affinity'] } };
  const groups = [];
  for (let made = 0; made < 2; made++)
    groups.push((await compute('POST /v2.1/os-server-groups', { token, body: group })).status);
  assert.deepEqual(groups, [200, 403]);
  const pairs = [];
  for (const name of ['k1', 'k2'])
    pairs.push((await compute('POST /v2.1/os-keypairs', { token, body: { keypair: { name } } })).status);
  assert.deepEqual(pairs, [200, 403]);

  const detail = await quotas('os-quota-sets/blue/detail', token);
  assert.deepEqual(detail.instances, { limit: 2, in_use: 2, reserved: 0 });
  assert.deepEqual(detail.server_groups, { limit: 1, in_use: 1, reserved: 0 });

  const tooLow = await change({ instances: 1 });
  assert.equal(tooLow.status, 400);
  assert.match(tooLow.json.badRequest.message, /Quota limit 1 for instances must be greater .* reserved 2\./);
  assert.equal((await change({ instances: 1, force: true })).status, 200);
  assert.equal((await change({ instances: -1, cores: -1, ram: '-1' })).status, 200);
  assert.equal((await compute('POST /v2.1/servers', { token, body: newServer })).status, 202, '-1 is no limit');

  for (const bad of [{ instances: -2 }, { instances: 'many' }, { networks: 1 }, { volumes: 1 }])
    assert.equal((await change(bad)).status, 400, JSON.stringify(bad));
  assert.equal((await change({ instances: 7 }, '?user_id=ann')).status, 400, 'not for all users of the project');
  assert.equal((await compute('DELETE /v2.1/os-quota-sets/blue')).status, 202);
  assert.equal((await quotas('os-quota-sets/blue')).instances, 10);
});

test('server_group_members is the most servers of a group', async (t) => {
  const api = await startCompute(t);
  await api.compute('PUT /v2.1/os-quota-sets/admin', { body: { quota_set: { server_group_members: 1 } } });
  const made = await api.compute('POST /v2.1/os-server-groups', {
    body: { server_group: { name: 'g', policies: ['affinity'] } },
  });
  const body = { ...newServer, 'os:scheduler_hints': { group: made.json.server_group.id } };
  assert.equal((await api.compute('POST /v2.1/servers', { body })).status, 202);
  assert.equal((await api.compute('POST /v2.1/servers', { body })).status, 403);
});

test('the class default holds for projects without quotas, other classes for none', async (t) => {
  const { compute } = await startCompute(t);
  const change = (name: string, instances: number) =>
    compute(`PUT /v2.1/os-quota-class-sets/${name}`, { body: { quota_class_set: { instances } } });
  await compute('PUT /v2.1/os-quota-sets/blue', { body: { quota_set: { instances: 3 } } });
  assert.equal((await change('default', 7)).json.quota_class_set.instances, 7);
  assert.equal((await change('gold', 99)).status, 200);
  const instances = async (path: string) => Object.values((await compute(`GET /v2.1/${path}`)).json)[0] as object;
  for (const [path, expected] of [
    ['os-quota-class-sets/default', 7],
    ['os-quota-class-sets/gold', 99],
    ['os-quota-sets/red', 7],
    ['os-quota-sets/blue/defaults', 7],
    ['os-quota-sets/blue', 3],
  ] as const)
    assert.equal(((await instances(path)) as { instances: number }).instances, expected, path);
});

test('SC-37 other projects than the own are for administrators', async (t) => {
  const { compute } = await startCompute(t);
  const token = 'ann:blue';
  for (const [line, expected] of [
    ['GET /v2.1/os-quota-sets/blue', 200],
    ['GET /v2.1/os-quota-sets/blue/detail', 200],
    ['GET /v2.1/os-quota-sets/red', 403],
    ['GET /v2.1/os-quota-sets/red/detail', 403],
    ['GET /v2.1/os-quota-sets/red/defaults', 200],
    ['DELETE /v2.1/os-quota-sets/blue', 403],
    ['GET /v2.1/os-quota-class-sets/default', 403],
    ['GET /v2.1/os-simple-tenant-usage/blue?start=2020-01-01T00:00:00', 200],
    ['GET /v2.1/os-simple-tenant-usage/red?start=2020-01-01T00:00:00', 403],
    ['GET /v2.1/os-simple-tenant-usage?start=2020-01-01T00:00:00', 403],
    ['GET /v2.1/os-hosts', 403],
    ['GET /v2.1/os-hosts/host1', 403],
    ['GET /v2.1/os-migrations', 403],
    ['GET /v2.1/os-hypervisors/host/search', 403],
  ] as const)
    assert.equal((await compute(line, { token })).status, expected, line);
  const raised = await compute('PUT /v2.1/os-quota-sets/blue', { token, body: { quota_set: { instances: 99 } } });
  assert.equal(raised.status, 403);
});

test('usages are hours and sizes of the servers of each project, from 2.40 on by pages', async (t) => {
  const api = await startCompute(t);
  const { compute } = api;
  await makeServer(api, { name: 'a' }, { token: 'ann:blue' });
  await makeServer(api, { name: 'b', flavorRef: '3' }, { token: 'ann:blue' });
  await makeServer(api, { name: 'c' }, { token: 'bob:red' });
  const path = '/v2.1/os-simple-tenant-usage';
  const { tenant_usages } = (await compute(`GET ${path}?start=2020-01-01T00:00:00.000001&detailed=1`)).json;
  assert.deepEqual(
    tenant_usages.map((it: { tenant_id: string; server_usages: object[] }) => [it.tenant_id, it.server_usages.length]),
    [
      ['blue', 2],
      ['red', 1],
    ],
  );
  const { tenant_usage } = (await compute(`GET ${path}/blue?start=2020-01-01T00:00:00`)).json;
  const [first, second] = tenant_usage.server_usages;
  assert.deepEqual([first.name, first.state, first.vcpus, second.memory_mb], ['a', 'active', 1, 4096]);
  const hours = first.hours + second.hours;
  assert.ok(Math.abs(tenant_usage.total_hours - hours) < 1e-9 && hours > 0);
  assert.ok(Math.abs(tenant_usage.total_vcpus_usage - (first.hours + 2 * second.hours)) < 1e-9);
  const plain = (await compute(`GET ${path}?start=2020-01-01T00:00:00`)).json.tenant_usages[0];
  assert.equal('server_usages' in plain, false);

  assert.deepEqual((await compute(`GET ${path}/green?start=2020-01-01T00:00:00`)).json, { tenant_usage: {} });
  for (const query of ['?start=soon', '?start=2020-01-02T00:00:00&end=2020-01-01T00:00:00', ''])
    assert.equal((await compute(`GET ${path}${query}`)).status, 400, query);
  const before = (await compute(`GET ${path}/blue?start=2020-01-01T00:00:00&end=2020-01-02T00:00:00`)).json;
  assert.equal(before.tenant_usage.total_hours, 0);

  const page = await compute(`GET ${path}/blue?start=2020-01-01T00:00:00&limit=1`, { version: '2.40' });
  assert.equal(page.json.tenant_usage.server_usages[0].name, 'a');
  const next = new URL(page.json.tenant_usage_links[0].href);
  const rest = await compute(`GET ${next.pathname}${next.search}`, { version: '2.40' });
  assert.equal(rest.json.tenant_usage.server_usages[0].name, 'b');
});
