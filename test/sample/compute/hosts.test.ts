import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeServer, startCompute } from '../sample-api.js';

const MICRO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/;

test('SC-57 SC-58 server groups are made, listed, shown and removed', async (t) => {
  const api = await startCompute(t);
  const make = async (server_group: object, version = '2.1') =>
    await api.compute('POST /v2.1/os-server-groups', { body: { server_group }, version });
  const made = await make({ name: 'g', policies: ['anti-affinity'] });
  assert.equal(made.status, 200);
  const { id, ...rest } = made.json.server_group;
  assert.deepEqual(rest, { name: 'g', members: [], policies: ['anti-affinity'], metadata: {} });
  for (const [group, version] of [
    [{ name: 'g', policies: ['soft-affinity'] }, '2.14'],
    [{ name: 'g', policies: ['some'] }, '2.15'],
    [{ name: 'g', policies: [] }, '2.1'],
    [{ name: 'g', policies: ['affinity', 'anti-affinity'] }, '2.1'],
    [{ name: '', policies: ['affinity'] }, '2.1'],
    [{ name: 'g', policies: ['affinity'] }, '2.64'],
    [{ name: 'g', policy: 'affinity', rules: { max_server_per_host: 2 } }, '2.64'],
  ] as const) {
    assert.equal((await make(group, version)).status, 400, JSON.stringify(group));
  }
  assert.equal((await make({ name: 'soft', policies: ['soft-affinity'] }, '2.15')).status, 200);
  const ruled = await make({ name: 'r', policy: 'anti-affinity', rules: { max_server_per_host: 2 } }, '2.64');
  assert.deepEqual(
    [ruled.json.server_group.policy, ruled.json.server_group.rules],
    ['anti-affinity', { max_server_per_host: 2 }],
  );
  const names = async (query: string) =>
    (await api.compute(`GET /v2.1/os-server-groups${query}`)).json.server_groups.map((it: { name: string }) => it.name);
  assert.deepEqual(await names(''), ['g', 'soft', 'r']);
  assert.deepEqual(await names('?limit=1&offset=1'), ['soft']);
  assert.equal((await api.compute(`DELETE /v2.1/os-server-groups/${id}`)).status, 204);
  assert.equal((await api.compute(`GET /v2.1/os-server-groups/${id}`)).status, 404);
});

test('SC-58 a removed group leaves its servers', async (t) => {
  const api = await startCompute(t);
  const body = { server_group: { name: 'g', policies: ['affinity'] } };
  const { id: group } = (await api.compute('POST /v2.1/os-server-groups', { body })).json.server_group;
  const server = { name: 's', flavorRef: '1', imageRef: '3f1b2c5e-8a47-4d0b-9b52-6d1f0c7a9e01' };
  const made = await api.compute('POST /v2.1/servers', { body: { server, 'os:scheduler_hints': { group } } });
  const path = `GET /v2.1/servers/${made.json.server.id}`;
  assert.deepEqual((await api.compute(path, { version: '2.71' })).json.server.server_groups, [group]);
  await api.compute(`DELETE /v2.1/os-server-groups/${group}`);
  assert.deepEqual((await api.compute(path, { version: '2.71' })).json.server.server_groups, []);
});

test('SC-14 SC-57 the quota of server groups', async (t) => {
  const api = await startCompute(t);
  const body = { server_group: { name: 'g', policies: ['affinity'] } };
  for (let made = 0; made < 10; made++) {
    assert.equal((await api.compute('POST /v2.1/os-server-groups', { body })).status, 200);
  }
  assert.equal((await api.compute('POST /v2.1/os-server-groups', { body })).status, 403);
  assert.equal((await api.compute('GET /v2.1/limits')).json.limits.absolute.totalServerGroupsUsed, 10);
});

test('SC-4 SC-59 services', async (t) => {
  const { compute } = await startCompute(t);
  const { services } = (await compute('GET /v2.1/os-services')).json;
  assert.deepEqual(
    services.map((it: Record<string, unknown>) => [it.id, it.binary, it.host, it.zone, it.status, it.state]),
    [
      [1, 'nova-conductor', 'host1', 'internal', 'enabled', 'up'],
      [2, 'nova-scheduler', 'host1', 'internal', 'enabled', 'up'],
      [3, 'nova-compute', 'host1', 'nova', 'enabled', 'up'],
    ],
  );
  assert.match(services[0].updated_at, MICRO);
  const count = async (query: string) => (await compute(`GET /v2.1/os-services?${query}`)).json.services.length;
  assert.deepEqual(
    [await count('binary=nova-compute'), await count('host=host1'), await count('host=host2')],
    [1, 3, 0],
  );
  const target = { host: 'host1', binary: 'nova-compute' };
  const disabled = await compute('PUT /v2.1/os-services/disable', { body: target });
  assert.deepEqual([disabled.status, disabled.json], [200, { service: { ...target, status: 'disabled' } }]);
  const reasoned = await compute('PUT /v2.1/os-services/disable-log-reason', {
    body: { ...target, disabled_reason: 'r' },
  });
  assert.equal(reasoned.json.service.disabled_reason, 'r');
  const enabled = await compute('PUT /v2.1/os-services/enable', { body: target });
  assert.deepEqual(enabled.json, { service: { ...target, status: 'enabled' } });
  const needy = async (verb: string, version: string, body: object = target) =>
    (await compute(`PUT /v2.1/os-services/${verb}`, { body, version })).status;
  assert.deepEqual([await needy('disable-log-reason', '2.1'), await needy('force-down', '2.11')], [400, 400]);
  const down = { ...target, forced_down: true };
  assert.deepEqual([await needy('force-down', '2.10', down), await needy('force-down', '2.11', down)], [404, 200]);
  const at11 = (await compute('GET /v2.1/os-services?binary=nova-compute', { version: '2.11' })).json.services[0];
  assert.deepEqual([at11.state, at11.forced_down, at11.status], ['down', true, 'enabled']);
  assert.equal(await needy('force-down', '2.11', { ...target, forced_down: false }), 200);
  assert.equal((await compute('PUT /v2.1/os-services/explode', { body: target })).status, 404);
  assert.equal((await compute('PUT /v2.1/os-services/disable', { body: { ...target, host: 'host2' } })).status, 404);
  assert.equal(
    (await compute('PUT /v2.1/os-services/disable', { body: { host: 'host1', binary: 'nova-conductor' } })).status,
    400,
  );
  const at53 = (await compute('GET /v2.1/os-services?binary=nova-compute', { version: '2.53' })).json.services[0];
  const body = { status: 'disabled', disabled_reason: 'why' };
  const changed = await compute(`PUT /v2.1/os-services/${at53.id}`, { version: '2.53', body });
  assert.deepEqual(
    [changed.json.service.status, changed.json.service.disabled_reason, changed.json.service.id],
    ['disabled', 'why', at53.id],
  );
});

test('SC-60 hypervisors', async (t) => {
  const api = await startCompute(t);
  await makeServer(api, { flavorRef: '2' });
  const { hypervisors } = (await api.compute('GET /v2.1/os-hypervisors')).json;
  assert.deepEqual(hypervisors, [{ id: 1, hypervisor_hostname: 'host1', state: 'up', status: 'enabled' }]);
  const { hypervisor } = (await api.compute('GET /v2.1/os-hypervisors/1')).json;
  assert.deepEqual((await api.compute('GET /v2.1/os-hypervisors/detail')).json.hypervisors, [hypervisor]);
  assert.deepEqual(
    [
      hypervisor.vcpus,
      hypervisor.vcpus_used,
      hypervisor.memory_mb_used,
      hypervisor.local_gb_used,
      hypervisor.running_vms,
    ],
    [64, 1, 2048, 20, 1],
  );
  assert.equal(hypervisor.free_ram_mb, 262_144 - 2048);
  const { hypervisor_statistics: sums } = (await api.compute('GET /v2.1/os-hypervisors/statistics')).json;
  assert.deepEqual([sums.count, sums.vcpus, sums.running_vms, sums.memory_mb], [1, 64, 1, 262_144]);
  assert.equal((await api.compute('GET /v2.1/os-hypervisors/2')).status, 404);
  assert.equal((await api.compute('GET /v2.1/os-hypervisors/1/uptime')).status, 501);
  const matching = async (pattern: string) =>
    (await api.compute(`GET /v2.1/os-hypervisors?hypervisor_hostname_pattern=${pattern}`, { version: '2.53' })).status;
  assert.deepEqual([await matching('host'), await matching('other')], [200, 404]);
});

test('SC-61 SC-62 aggregates', async (t) => {
  const { compute } = await startCompute(t);
  const made = await compute('POST /v2.1/os-aggregates', {
    body: { aggregate: { name: 'a', availability_zone: 'z' } },
  });
  assert.equal(made.status, 200);
  const { created_at, ...rest } = made.json.aggregate;
  assert.match(created_at, MICRO);
  const times = { updated_at: null, deleted: false, deleted_at: null };
  assert.deepEqual(rest, { id: 1, name: 'a', availability_zone: 'z', ...times });
  const path = '/v2.1/os-aggregates/1';
  const { aggregate } = (await compute(`GET ${path}`)).json;
  assert.deepEqual([aggregate.hosts, aggregate.metadata], [[], { availability_zone: 'z' }]);
  assert.equal((await compute('POST /v2.1/os-aggregates', { body: { aggregate: { name: 'a' } } })).status, 409);
  assert.equal((await compute('GET /v2.1/os-aggregates/a')).status, 400);
  assert.equal((await compute('GET /v2.1/os-aggregates/9')).status, 404);
  const renamed = await compute(`PUT ${path}`, { body: { aggregate: { name: 'b' } } });
  assert.deepEqual([renamed.json.aggregate.name, renamed.json.aggregate.availability_zone], ['b', 'z']);
  assert.equal((await compute(`PUT ${path}`, { body: { aggregate: {} } })).status, 400);

  const act = async (body: object) => await compute(`POST ${path}/action`, { body });
  assert.equal((await act({ add_host: { host: 'nobody' } })).status, 404);
  assert.deepEqual((await act({ add_host: { host: 'host1' } })).json.aggregate.hosts, ['host1']);
  assert.equal((await act({ add_host: { host: 'host1' } })).status, 409);
  assert.equal((await compute(`DELETE ${path}`)).status, 400);
  const set = await act({ set_metadata: { metadata: { a: '1', b: '2' } } });
  assert.equal(set.json.aggregate.uuid, undefined);
  assert.deepEqual(set.json.aggregate.metadata, { availability_zone: 'z', a: '1', b: '2' });
  const removed = await act({ set_metadata: { metadata: { a: null } } });
  assert.deepEqual(removed.json.aggregate.metadata, { availability_zone: 'z', b: '2' });
  assert.equal((await act({ set_metadata: { metadata: { availability_zone: null } } })).status, 400);
  assert.equal((await act({ explode: {} })).status, 400);
  assert.deepEqual((await act({ remove_host: { host: 'host1' } })).json.aggregate.hosts, []);
  assert.equal((await act({ remove_host: { host: 'host1' } })).status, 404);
  assert.equal((await compute(`DELETE ${path}`)).status, 200);
  assert.equal((await compute(`GET ${path}`)).status, 404);
});

test('SC-63 availability zones follow the aggregates', async (t) => {
  const api = await startCompute(t);
  const zones = async () =>
    (await api.compute('GET /v2.1/os-availability-zone', { token: 'demo' })).json.availabilityZoneInfo;
  assert.deepEqual(await zones(), [{ zoneName: 'nova', zoneState: { available: true }, hosts: null }]);
  const detail = (await api.compute('GET /v2.1/os-availability-zone/detail')).json.availabilityZoneInfo;
  assert.deepEqual(
    detail.map((it: { zoneName: string }) => it.zoneName),
    ['internal', 'nova'],
  );
  assert.deepEqual(Object.keys(detail[0].hosts.host1).sort(), ['nova-conductor', 'nova-scheduler']);
  const { updated_at: _updated, ...up } = detail[1].hosts.host1['nova-compute'];
  assert.deepEqual(up, { available: true, active: true });
  await api.compute('POST /v2.1/os-aggregates', { body: { aggregate: { name: 'a', availability_zone: 'z' } } });
  await api.compute('POST /v2.1/os-aggregates/1/action', { body: { add_host: { host: 'host1' } } });
  assert.deepEqual(
    (await zones()).map((it: { zoneName: string }) => it.zoneName),
    ['z'],
  );
  const id = await makeServer(api, { availability_zone: 'z' });
  assert.equal((await api.compute(`GET /v2.1/servers/${id}`)).json.server['OS-EXT-AZ:availability_zone'], 'z');
});

test('SC-64 limits', async (t) => {
  const api = await startCompute(t);
  await makeServer(api, { flavorRef: '3' }, { token: 'demo:one' });
  const { limits } = (await api.compute('GET /v2.1/limits?reserved=1', { token: 'demo:one' })).json;
  assert.deepEqual(limits.rate, []);
  const { absolute } = limits;
  assert.deepEqual(
    [absolute.totalInstancesUsed, absolute.totalCoresUsed, absolute.totalRAMUsed, absolute.maxTotalInstances],
    [1, 2, 4096, 10],
  );
  assert.deepEqual([absolute.maxTotalCores, absolute.maxTotalRAMSize, absolute.maxTotalKeypairs], [20, 51_200, 100]);
  assert.deepEqual([absolute.maxServerMeta, absolute.maxServerGroups, absolute.maxServerGroupMembers], [128, 10, 10]);
  const other = await api.compute('GET /v2.1/limits?tenant_id=one');
  assert.equal(other.json.limits.absolute.totalInstancesUsed, 1);
  assert.equal((await api.compute('GET /v2.1/limits?tenant_id=two', { token: 'demo:one' })).status, 403);
});

test('SC-54 images, up to 2.35', async (t) => {
  const { compute, url } = await startCompute(t);
  const { images } = (await compute('GET /v2.1/images')).json;
  assert.deepEqual(
    images.map(({ name }: { name: string }) => name),
    ['cirros', 'debian'],
  );
  const [{ id }] = images;
  assert.deepEqual(images[0].links, [
    { rel: 'self', href: `${url}/v2.1/images/${id}` },
    { rel: 'bookmark', href: `${url}/images/${id}` },
    { rel: 'alternate', type: 'application/vnd.openstack.image', href: `${url}/images/${id}` },
  ]);
  const { image } = (await compute(`GET /v2.1/images/${id}`)).json;
  assert.deepEqual((await compute('GET /v2.1/images/detail?name=cirros')).json.images, [image]);
  const { links: _links, created: _created, updated: _updated, ...rest } = image;
  const plain = { status: 'ACTIVE', progress: 100, minRam: 0, minDisk: 0, metadata: {} };
  assert.deepEqual(rest, { id, name: 'cirros', ...plain, 'OS-EXT-IMG-SIZE:size': 21_430_272 });
  assert.equal((await compute('GET /v2.1/images/nothing')).status, 404);
  assert.equal((await compute('GET /v2.1/images', { version: '2.36' })).status, 404);
  assert.equal((await compute(`DELETE /v2.1/images/${id}`)).status, 405);
});

test('hosts are listed by service, shown by project, and disabled; gone from 2.43 on', async (t) => {
  const api = await startCompute(t);
  const { compute } = api;
  await makeServer(api, {}, { token: 'ann:blue' });
  await makeServer(api, { flavorRef: '3' }, { token: 'bob:red' });
  const list = async (query = '') => (await compute(`GET /v2.1/os-hosts${query}`)).json.hosts;
  assert.deepEqual(await list('?zone=nova'), [{ host_name: 'host1', service: 'compute', zone: 'nova' }]);
  assert.equal((await list()).length, 3);
  const { host } = (await compute('GET /v2.1/os-hosts/host1')).json;
  const rows = host.map(({ resource }: { resource: Record<string, unknown> }) => [
    resource.project,
    resource.cpu,
    resource.memory_mb,
    resource.disk_gb,
  ]);
  assert.deepEqual(rows, [
    ['(total)', 64, 262_144, 4096],
    ['(used_now)', 3, 4608, 41],
    ['(used_max)', 3, 4608, 41],
    ['blue', 1, 512, 1],
    ['red', 2, 4096, 40],
  ]);
  const change = (body: object, name = 'host1') => compute(`PUT /v2.1/os-hosts/${name}`, { body });
  assert.deepEqual((await change({ status: 'Disable' })).json, { host: 'host1', status: 'disabled' });
  assert.deepEqual(await list('?zone=nova'), []);
  assert.deepEqual((await change({ status: 'enable' })).json, { host: 'host1', status: 'enabled' });
  assert.equal((await change({ maintenance_mode: 'enable' })).status, 501);
  assert.equal((await change({})).status, 400);
  assert.equal((await change({ status: 'enable' }, 'host2')).status, 404);
  assert.equal((await compute('GET /v2.1/os-hosts/host2')).status, 404);
  for (const line of ['GET /v2.1/os-hosts', 'GET /v2.1/os-hosts/host1'])
    assert.equal((await compute(line, { version: '2.43' })).status, 404);
});

test('hypervisors are found by a part of the name, below 2.53 by a path', async (t) => {
  const { compute } = await startCompute(t);
  const { hypervisors } = (await compute('GET /v2.1/os-hypervisors/ost/search')).json;
  assert.deepEqual(hypervisors, [{ id: 1, hypervisor_hostname: 'host1', state: 'up', status: 'enabled' }]);
  assert.equal((await compute('GET /v2.1/os-hypervisors/else/search')).status, 404);
  assert.equal((await compute('GET /v2.1/os-hypervisors/host/search', { version: '2.53' })).status, 404);
});

test('agents are gone, and there are no migrations', async (t) => {
  const api = await startCompute(t);
  const { compute } = api;
  const body = { agent: {} };
  for (const [line, asked] of [
    ['GET /v2.1/os-agents', {}],
    ['POST /v2.1/os-agents', { body }],
    ['PUT /v2.1/os-agents/1', { body }],
    ['DELETE /v2.1/os-agents/1', { token: 'ann:blue' }],
  ] as const)
    assert.equal((await compute(line, asked)).status, 410, line);
  const id = await makeServer(api);
  assert.deepEqual((await compute('GET /v2.1/os-migrations?status=done')).json, { migrations: [] });
  assert.equal((await compute('GET /v2.1/os-migrations?color=red', { version: '2.59' })).status, 400);
  const version = '2.79';
  assert.deepEqual((await compute(`GET /v2.1/servers/${id}/migrations`, { version })).json, { migrations: [] });
  assert.equal((await compute(`GET /v2.1/servers/${id}/migrations/1`, { version })).status, 404);
  assert.equal((await compute(`GET /v2.1/servers/${id}x/migrations`, { version })).status, 404);
});
