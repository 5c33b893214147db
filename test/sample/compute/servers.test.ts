import assert from 'node:assert/strict';
import { test } from 'node:test';
import { temporaryFolder } from '../../fixtures/keeper.js';
import { type Answer, CIRROS, makeServer, type SampleApi, sampleConfig, startCompute } from '../sample-api.js';

const MICRO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/;
const SECOND = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

/** Longer than any test runs. */
const slow = 'transition_ms = 3600000';

test('SC-66 a server is made', async (t) => {
  const { compute, url } = await startCompute(t);
  const body = { server: { name: 's1', flavorRef: `${url}/flavors/1`, imageRef: CIRROS } };
  const made = await compute('POST /v2.1/servers', { body });
  assert.equal(made.status, 202);
  const { id, adminPass, ...rest } = made.json.server;
  const self = `${url}/v2.1/servers/${id}`;
  assert.equal(made.headers.location, self);
  assert.ok(adminPass.length >= 12);
  assert.deepEqual(rest, {
    links: [
      { rel: 'self', href: self },
      { rel: 'bookmark', href: `${url}/servers/${id}` },
    ],
    security_groups: [{ name: 'default' }],
    'OS-DCF:diskConfig': 'MANUAL',
  });
  const given = { ...body.server, adminPass: 'secret', security_groups: [{ name: 'web' }] };
  const other = (await compute('POST /v2.1/servers', { body: { server: given } })).json.server;
  assert.deepEqual([other.adminPass, other.security_groups], ['secret', [{ name: 'web' }]]);
});

test('SC-65 a server is shown, to administrators with where it runs', async (t) => {
  const api = await startCompute(t);
  const id = await makeServer(api, { metadata: { a: 'b' } }, { token: 'alice:one' });
  const { server } = (await api.compute(`GET /v2.1/servers/${id}`, { token: 'alice:one' })).json;
  const { created, updated, hostId, 'OS-SRV-USG:launched_at': launched, ...rest } = server;
  assert.match(created, SECOND);
  assert.match(updated, SECOND);
  assert.match(launched, MICRO);
  assert.match(hostId, /^[0-9a-f]{56}$/);
  assert.deepEqual(rest, {
    id,
    name: 's1',
    status: 'ACTIVE',
    tenant_id: 'one',
    user_id: 'alice',
    metadata: { a: 'b' },
    progress: 0,
    image: { id: CIRROS, links: [{ rel: 'bookmark', href: `${api.url}/images/${CIRROS}` }] },
    flavor: { id: '1', links: [{ rel: 'bookmark', href: `${api.url}/flavors/1` }] },
    addresses: {},
    accessIPv4: '',
    accessIPv6: '',
    key_name: null,
    config_drive: '',
    'OS-DCF:diskConfig': 'MANUAL',
    'OS-EXT-AZ:availability_zone': 'nova',
    'OS-EXT-STS:vm_state': 'active',
    'OS-EXT-STS:task_state': null,
    'OS-EXT-STS:power_state': 1,
    'OS-SRV-USG:terminated_at': null,
    'os-extended-volumes:volumes_attached': [],
    links: [
      { rel: 'self', href: `${api.url}/v2.1/servers/${id}` },
      { rel: 'bookmark', href: `${api.url}/servers/${id}` },
    ],
  });
  const asAdmin = (await api.compute(`GET /v2.1/servers/${id}`)).json.server;
  assert.equal(asAdmin['OS-EXT-SRV-ATTR:host'], 'host1');
  assert.equal(asAdmin['OS-EXT-SRV-ATTR:hypervisor_hostname'], 'host1');
  assert.equal(asAdmin['OS-EXT-SRV-ATTR:instance_name'], 'instance-00000001');
  const { servers } = (await api.compute('GET /v2.1/servers', { token: 'alice:one' })).json;
  assert.deepEqual(servers, [{ id, name: 's1', links: rest.links }]);
  const detail = (await api.compute('GET /v2.1/servers/detail', { token: 'alice:one' })).json.servers;
  assert.deepEqual(detail, [server]);
});

test('SC-66 what does not exist is refused', async (t) => {
  const { compute } = await startCompute(t);
  const server = { name: 's1', flavorRef: '1', imageRef: CIRROS };
  const nobody = '00000000-0000-4000-8000-000000000000';
  for (const members of [
    { flavorRef: '9' },
    { imageRef: nobody },
    { imageRef: '' },
    { key_name: 'k' },
    { availability_zone: 'mars' },
    { name: '' },
    { name: ' ' },
    { name: ' s1' },
    { name: 's1 ' },
    { user_data: 'not base64!' },
    { networks: [{ uuid: nobody }] },
    { networks: 'none' },
    { min_count: 2, max_count: 1 },
    { min_count: 0 },
    { metadata: { a: 1 } },
    { description: 'too early' },
    { tags: ['too early'] },
    { colour: 'red' },
  ]) {
    const answer = await compute('POST /v2.1/servers', { body: { server: { ...server, ...members } } });
    assert.equal(answer.status, 400, JSON.stringify(members));
  }
  const grouped = { server, 'os:scheduler_hints': { group: nobody } };
  assert.equal((await compute('POST /v2.1/servers', { body: grouped })).status, 400);
  assert.equal((await compute('GET /v2.1/servers')).json.servers.length, 0);
});

test('SC-66 SC-80 networks are required from 2.37 on, tags are taken from 2.52 on', async (t) => {
  const { compute } = await startCompute(t);
  const create = async (version: string, members: object) => {
    const server = { name: 's1', flavorRef: '1', imageRef: CIRROS, ...members };
    return (await compute('POST /v2.1/servers', { body: { server }, version })).status;
  };
  assert.equal(await create('2.36', {}), 202);
  assert.equal(await create('2.37', {}), 400);
  for (const networks of ['none', 'auto', []]) assert.equal(await create('2.37', { networks }), 202);
  assert.equal(await create('2.37', { networks: 'some' }), 400);
  assert.equal(await create('2.18', { description: 'd' }), 400);
  assert.equal(await create('2.19', { description: 'd' }), 202);
  assert.equal(await create('2.51', { networks: 'none', tags: ['a'] }), 400);
  assert.equal(await create('2.52', { networks: 'none', tags: ['a'] }), 202);
  assert.equal(await create('2.52', { networks: 'none', tags: ['a/b'] }), 400);
});

test('SC-66 several servers at once, and their reservation', async (t) => {
  const api = await startCompute(t);
  await makeServer(api, { name: 'web', min_count: 2, max_count: '3' });
  const { servers } = (await api.compute('GET /v2.1/servers?sort_key=display_name&sort_dir=asc')).json;
  const names = servers.map(({ name }: { name: string }) => name);
  assert.deepEqual(names, ['web-1', 'web-2', 'web-3']);
  const server = { name: 'r', flavorRef: '1', imageRef: CIRROS, return_reservation_id: 'True' };
  const { json } = await api.compute('POST /v2.1/servers', { body: { server } });
  assert.match(json.reservation_id, /^r-[0-9a-z]{8}$/);
});

test('SC-66 SC-14 the quota is kept', async (t) => {
  const { compute } = await startCompute(t);
  const quotas = { instances: 2, cores: 3, ram: 5000 };
  await compute('PUT /v2.1/os-quota-class-sets/default', { body: { quota_class_set: quotas } });
  const create = async (members: object, token = 'admin') => {
    const server = { name: 's', flavorRef: '1', imageRef: CIRROS, ...members };
    return (await compute('POST /v2.1/servers', { body: { server }, token })).status;
  };
  assert.equal(await create({ min_count: 3 }), 403);
  assert.equal(await create({ max_count: 3 }), 202);
  assert.equal((await compute('GET /v2.1/servers')).json.servers.length, 1 + 1);
  assert.equal(await create({}), 403);
  assert.equal(await create({ flavorRef: '3' }, 'demo'), 202);
  assert.equal(await create({ flavorRef: '1' }, 'demo'), 202);
  assert.equal(await create({ flavorRef: '3' }, 'other'), 202);
  assert.equal(await create({ flavorRef: '3' }, 'other'), 403);
});

test('SC-66 anti-affinity on one host: the second server fails', async (t) => {
  const { compute } = await startCompute(t);
  const body = { server_group: { name: 'g', policies: ['anti-affinity'] } };
  const { id: group } = (await compute('POST /v2.1/os-server-groups', { body })).json.server_group;
  const server = { name: 's', flavorRef: '1', imageRef: CIRROS };
  const made: string[] = [];
  for (const _ of [1, 2]) {
    const answer = await compute('POST /v2.1/servers', { body: { server, 'os:scheduler_hints': { group } } });
    assert.equal(answer.status, 202);
    made.push(answer.json.server.id);
  }
  const first = (await compute(`GET /v2.1/servers/${made[0]}`)).json.server;
  const second = (await compute(`GET /v2.1/servers/${made[1]}`)).json.server;
  assert.deepEqual([first.status, first.fault], ['ACTIVE', undefined]);
  assert.deepEqual(
    [second.status, second['OS-EXT-STS:vm_state'], second['OS-EXT-SRV-ATTR:host']],
    ['ERROR', 'error', null],
  );
  const { created, ...fault } = second.fault;
  assert.match(created, SECOND);
  assert.deepEqual(fault, { code: 500, message: 'No valid host was found. There are not enough hosts available.' });
  const shown = (await compute(`GET /v2.1/os-server-groups/${group}`)).json.server_group;
  assert.deepEqual(shown.members, made);
});

test('SC-67 a server is renamed, and removed', async (t) => {
  const api = await startCompute(t);
  const id = await makeServer(api);
  const changed = await api.compute(`PUT /v2.1/servers/${id}`, {
    body: { server: { name: 'new', accessIPv4: '192.0.2.1' } },
  });
  assert.equal(changed.status, 200);
  assert.deepEqual([changed.json.server.name, changed.json.server.accessIPv4], ['new', '192.0.2.1']);
  const members = Object.keys(changed.json.server);
  const absent = /^OS-EXT-|^OS-SRV-USG|^key_name$|^config_drive$|^host_status$|volumes_attached$/;
  const internal = members.filter((name) => absent.test(name));
  assert.deepEqual(internal, []);
  for (const server of [{ name: '' }, { accessIPv4: 'here' }, { description: 'd' }, { status: 'ACTIVE' }]) {
    assert.equal((await api.compute(`PUT /v2.1/servers/${id}`, { body: { server } })).status, 400);
  }
  assert.equal((await api.compute(`DELETE /v2.1/servers/${id}`)).status, 204);
  assert.equal((await api.compute(`GET /v2.1/servers/${id}`)).status, 404);
  assert.deepEqual((await api.compute('GET /v2.1/servers')).json.servers, []);
});

test('SC-67 SC-5 while it is being removed a server is still there', async (t) => {
  const api = await startCompute(t, sampleConfig(temporaryFolder(), slow));
  const id = await makeServer(api);
  assert.equal((await api.compute(`DELETE /v2.1/servers/${id}`)).status, 204);
  const { server } = (await api.compute(`GET /v2.1/servers/${id}`)).json;
  assert.equal(server['OS-EXT-STS:task_state'], 'deleting');
  assert.equal((await api.compute('GET /v2.1/servers')).json.servers.length, 1);
});

test('SC-68 metadata', async (t) => {
  const api = await startCompute(t);
  const id = await makeServer(api, { metadata: { a: '1' } });
  const path = `/v2.1/servers/${id}/metadata`;
  const added = await api.compute(`POST ${path}`, { body: { metadata: { b: '2' } } });
  assert.deepEqual([added.status, added.json], [200, { metadata: { a: '1', b: '2' } }]);
  assert.deepEqual((await api.compute(`PUT ${path}`, { body: { metadata: { c: '3' } } })).json, {
    metadata: { c: '3' },
  });
  assert.deepEqual((await api.compute(`PUT ${path}/d`, { body: { meta: { d: '4' } } })).json, { meta: { d: '4' } });
  assert.deepEqual((await api.compute(`GET ${path}/c`)).json, { meta: { c: '3' } });
  assert.deepEqual((await api.compute(`GET ${path}`)).json, { metadata: { c: '3', d: '4' } });
  assert.equal((await api.compute(`PUT ${path}/d`, { body: { meta: { e: '5' } } })).status, 400);
  assert.equal((await api.compute(`DELETE ${path}/c`)).status, 204);
  assert.equal((await api.compute(`DELETE ${path}/c`)).status, 404);
  assert.equal((await api.compute(`GET ${path}/c`)).status, 404);
  const many = Object.fromEntries(Array.from({ length: 129 }, (_, index) => [`k${index}`, 'v']));
  const mismatched = [{ e: '4' }, { d: '4', e: '4' }, { d: 4 }];
  for (const meta of mismatched) assert.equal((await api.compute(`PUT ${path}/d`, { body: { meta } })).status, 400);
  assert.equal((await api.compute(`GET ${path}/toString`)).status, 404);
  assert.equal((await api.compute(`DELETE ${path}/e`)).status, 404);
  assert.equal((await api.compute(`PUT ${path}`, { body: { metadata: many } })).status, 403);
  assert.equal((await api.compute(`POST ${path}`, { body: { metadata: many } })).status, 403);
  assert.deepEqual((await api.compute(`GET ${path}`)).json, { metadata: { d: '4' } });
});

test('SC-69 tags, from 2.26 on', async (t) => {
  const api = await startCompute(t);
  const id = await makeServer(api);
  const path = `/v2.1/servers/${id}/tags`;
  const at = { version: '2.26' };
  assert.equal((await api.compute(`GET ${path}`, { version: '2.25' })).status, 404);
  assert.deepEqual((await api.compute(`PUT ${path}`, { ...at, body: { tags: ['a', 'b'] } })).json, {
    tags: ['a', 'b'],
  });
  const added = await api.compute(`PUT ${path}/c`, at);
  assert.deepEqual([added.status, added.headers.location], [201, `${api.url}${path}/c`]);
  assert.equal((await api.compute(`PUT ${path}/c`, at)).status, 204);
  assert.equal((await api.compute(`GET ${path}/c`, at)).status, 204);
  assert.equal((await api.compute(`GET ${path}/d`, at)).status, 404);
  assert.equal((await api.compute(`DELETE ${path}/a`, at)).status, 204);
  assert.equal((await api.compute(`DELETE ${path}/a`, at)).status, 404);
  assert.deepEqual((await api.compute(`GET ${path}`, at)).json, { tags: ['b', 'c'] });
  assert.equal((await api.compute(`PUT ${path}/a,b`, at)).status, 400);
  // The limit counts characters, not UTF-16 code units.
  const faces = encodeURIComponent('😀'.repeat(60));
  assert.equal((await api.compute(`PUT ${path}/${faces}`, at)).status, 201);
  assert.equal((await api.compute(`PUT ${path}/${faces}a`, at)).status, 400);
  const repeated = await api.compute(`PUT ${path}`, { ...at, body: { tags: ['x', 'y', 'x'] } });
  assert.deepEqual(repeated.json, { tags: ['x', 'y'] });
  const many = Array.from({ length: 51 }, (_, index) => `t${index}`);
  assert.equal((await api.compute(`PUT ${path}`, { ...at, body: { tags: many } })).status, 400);
  await api.compute(`PUT ${path}`, { ...at, body: { tags: many.slice(1) } });
  assert.equal((await api.compute(`PUT ${path}/more`, at)).status, 400);
  assert.equal((await api.compute(`DELETE ${path}`, at)).status, 204);
  assert.deepEqual((await api.compute(`GET ${path}`, at)).json, { tags: [] });
});

test('SC-70 what belongs to a server, and what was done to it', async (t) => {
  const api = await startCompute(t);
  const id = await makeServer(api);
  const get = async (part: string, version = '2.1') =>
    (await api.compute(`GET /v2.1/servers/${id}/${part}`, { version })).json;
  assert.deepEqual(await get('ips'), { addresses: {} });
  assert.deepEqual(await get('os-interface'), { interfaceAttachments: [] });
  assert.deepEqual(await get('os-volume_attachments'), { volumeAttachments: [] });
  assert.deepEqual(await get('os-security-groups'), { security_groups: [] });
  const stopped = await api.compute(`POST /v2.1/servers/${id}/action`, { body: { 'os-stop': null } });
  const [latest, first] = (await get('os-instance-actions')).instanceActions;
  const { start_time, ...rest } = latest;
  assert.match(start_time, MICRO);
  const request_id = stopped.headers['x-openstack-request-id'];
  const by = { instance_uuid: id, user_id: 'admin', project_id: 'admin', message: null };
  assert.deepEqual(rest, { ...by, action: 'stop', request_id });
  assert.equal(first.action, 'create');
  assert.match((await get('os-instance-actions', '2.58')).instanceActions[0].updated_at, MICRO);
  assert.equal((await api.compute('GET /v2.1/servers/nobody/ips')).status, 404);
});

async function acted(api: SampleApi, id: string, body: unknown, version = '2.1'): Promise<Answer> {
  return await api.compute(`POST /v2.1/servers/${id}/action`, { body, version });
}

async function state(api: SampleApi, id: string): Promise<unknown[]> {
  const { server } = (await api.compute(`GET /v2.1/servers/${id}`)).json;
  return [server.status, ...['vm_state', 'task_state', 'power_state'].map((name) => server[`OS-EXT-STS:${name}`])];
}

test('SC-71 every action leads from its states to another', async (t) => {
  const api = await startCompute(t);
  const id = await makeServer(api);
  const steps: [body: object, after: unknown[]][] = [
    [{ 'os-stop': null }, ['SHUTOFF', 'stopped', null, 4]],
    [{ 'os-start': null }, ['ACTIVE', 'active', null, 1]],
    [{ reboot: { type: 'SOFT' } }, ['ACTIVE', 'active', null, 1]],
    [{ pause: null }, ['PAUSED', 'paused', null, 3]],
    [{ unpause: null }, ['ACTIVE', 'active', null, 1]],
    [{ suspend: null }, ['SUSPENDED', 'suspended', null, 4]],
    [{ resume: null }, ['ACTIVE', 'active', null, 1]],
    [{ pause: null }, ['PAUSED', 'paused', null, 3]],
    [{ reboot: { type: 'Hard' } }, ['ACTIVE', 'active', null, 1]],
    [{ changePassword: { adminPass: 'secret' } }, ['ACTIVE', 'active', null, 1]],
    [{ 'os-stop': null }, ['SHUTOFF', 'stopped', null, 4]],
    [{ rebuild: { imageRef: CIRROS } }, ['SHUTOFF', 'stopped', null, 4]],
    [{ reboot: { type: 'hard' } }, ['ACTIVE', 'active', null, 1]],
  ];
  for (const [body, after] of steps) {
    assert.equal((await acted(api, id, body)).status, 202, JSON.stringify(body));
    assert.deepEqual(await state(api, id), after, JSON.stringify(body));
  }
});

test('SC-71 an action that the state does not allow is a conflict', async (t) => {
  const api = await startCompute(t);
  const id = await makeServer(api);
  for (const [body, verb] of [
    [{ 'os-start': null }, 'start'],
    [{ unpause: null }, 'unpause'],
    [{ resume: null }, 'resume'],
  ] as const) {
    const { status, json } = await acted(api, id, body);
    const message = `Cannot '${verb}' instance ${id} while it is in vm_state active`;
    assert.deepEqual([status, json], [409, { conflictingRequest: { code: 409, message } }]);
  }
  await acted(api, id, { 'os-stop': null });
  for (const body of [
    { 'os-stop': null },
    { pause: null },
    { suspend: null },
    { reboot: { type: 'SOFT' } },
    { changePassword: { adminPass: 'x' } },
  ]) {
    assert.equal((await acted(api, id, body)).status, 409, JSON.stringify(body));
  }
});

test('SC-71 SC-5 while a transition runs it shows, and another one is a conflict', async (t) => {
  const folder = temporaryFolder();
  const config = sampleConfig(folder, slow);
  const api = await startCompute(t, config);
  const id = await makeServer(api);
  assert.deepEqual(await state(api, id), ['BUILD', 'building', 'scheduling', 0]);
  assert.match((await acted(api, id, { 'os-stop': null })).json.conflictingRequest.message, /vm_state building$/);

  const quick = await startCompute(t, sampleConfig(folder));
  const other = await makeServer(quick);
  for (const [body, shown] of [
    [{ 'os-stop': null }, ['ACTIVE', 'active', 'powering-off', 1]],
    [{ reboot: { type: 'SOFT' } }, ['REBOOT', 'active', 'rebooting', 1]],
    [{ reboot: { type: 'HARD' } }, ['HARD_REBOOT', 'active', 'rebooting_hard', 1]],
    [{ pause: null }, ['ACTIVE', 'active', 'pausing', 1]],
    [{ suspend: null }, ['ACTIVE', 'active', 'suspending', 1]],
    [{ rebuild: { imageRef: CIRROS } }, ['REBUILD', 'active', 'rebuilding', 1]],
  ] as const) {
    const server = await makeServer(quick);
    assert.equal((await acted(api, server, body)).status, 202);
    assert.deepEqual(await state(api, server), shown);
    const conflict = await acted(api, server, { 'os-stop': null });
    assert.equal(conflict.status, 409);
    assert.match(conflict.json.conflictingRequest.message, new RegExp(`task_state ${shown[2]}$`));
  }
  assert.deepEqual(await state(api, other), ['ACTIVE', 'active', null, 1]);
});

test('SC-71 one action a request, and one that there is', async (t) => {
  const api = await startCompute(t);
  const id = await makeServer(api);
  for (const body of [
    {},
    { 'os-stop': null, pause: null },
    { explode: null },
    [],
    1,
    null,
    { reboot: {} },
    { reboot: { type: 'gently' } },
  ]) {
    assert.equal((await acted(api, id, body)).status, 400, JSON.stringify(body));
  }
  assert.equal((await acted(api, 'nobody', { pause: null })).status, 404);
});

test('SC-71 a locked server is changed by administrators only', async (t) => {
  const api = await startCompute(t);
  const alice = { token: 'alice:one' };
  const id = await makeServer(api, {}, alice);
  const path = `POST /v2.1/servers/${id}/action`;
  assert.equal((await api.compute(path, { ...alice, body: { lock: null } })).status, 202);
  assert.equal((await api.compute(path, { ...alice, body: { 'os-stop': null } })).status, 409);
  assert.equal((await api.compute(`DELETE /v2.1/servers/${id}`, alice)).status, 409);
  assert.equal((await api.compute(path, { body: { pause: null } })).status, 202);
  assert.equal((await api.compute(path, { ...alice, body: { unlock: null } })).status, 202);
  assert.equal((await api.compute(path, { ...alice, body: { unpause: null } })).status, 202);
  const locked = { lock: { locked_reason: 'inventory' } };
  assert.equal((await api.compute(path, { body: locked, version: '2.73' })).status, 202);
  const { server } = (await api.compute(`GET /v2.1/servers/${id}`, { version: '2.73' })).json;
  assert.deepEqual([server.locked, server.locked_reason], [true, 'inventory']);
  // The owner cannot take over an administrator's lock by locking again.
  assert.equal((await api.compute(path, { ...alice, body: { lock: null } })).status, 202);
  assert.equal((await api.compute(path, { body: { lock: {} }, version: '2.73' })).status, 202);
  assert.equal((await api.compute(path, { body: { lock: { locked_reason: '' } }, version: '2.73' })).status, 400);
  const again = (await api.compute(`GET /v2.1/servers/${id}`, { version: '2.73' })).json.server;
  assert.deepEqual([again.locked, again.locked_reason], [true, 'inventory']);
  assert.equal((await api.compute(path, { ...alice, body: { unlock: null } })).status, 403);
  assert.equal((await api.compute(path, { body: { unlock: null }, version: '2.73' })).status, 202);
  const unlocked = (await api.compute(`GET /v2.1/servers/${id}`, { version: '2.73' })).json.server;
  assert.deepEqual([unlocked.locked, unlocked.locked_reason], [false, null]);
});

test('SC-71 a rebuild responds with the server, and takes more from version to version', async (t) => {
  const api = await startCompute(t);
  await api.compute('POST /v2.1/os-keypairs', { body: { keypair: { name: 'k' } } });
  const id = await makeServer(api);
  const at1 = await acted(api, id, {
    rebuild: { imageRef: CIRROS, name: 'new', metadata: { a: 'b' }, adminPass: 'secret' },
  });
  assert.equal(at1.headers.location, `${api.url}/v2.1/servers/${id}`);
  const { server } = at1.json;
  assert.deepEqual([server.name, server.metadata, server.adminPass], ['new', { a: 'b' }, 'secret']);
  assert.deepEqual(
    [server.key_name, server.user_data, server['OS-EXT-STS:vm_state']],
    [undefined, undefined, undefined],
  );
  const at54 = await acted(api, id, { rebuild: { imageRef: CIRROS, key_name: 'k' } }, '2.54');
  assert.deepEqual([at54.json.server.key_name, 'user_data' in at54.json.server], ['k', false]);
  const at57 = await acted(api, id, { rebuild: { imageRef: CIRROS, user_data: 'YQ==' } }, '2.57');
  assert.deepEqual([at57.json.server.key_name, at57.json.server.user_data], ['k', 'YQ==']);
  const at75 = (await acted(api, id, { rebuild: { imageRef: CIRROS, key_name: null } }, '2.75')).json.server;
  assert.deepEqual([at75.key_name, at75['OS-EXT-STS:vm_state']], [null, 'active']);
  assert.equal('OS-EXT-SRV-ATTR:user_data' in at75, false);
  assert.equal((await acted(api, id, { rebuild: { imageRef: CIRROS, key_name: 'k' } }, '2.53')).status, 400);
  assert.equal((await acted(api, id, { rebuild: { imageRef: '00000000-0000-4000-8000-000000000000' } })).status, 400);
});

test('SC-71 the console', async (t) => {
  const api = await startCompute(t);
  const id = await makeServer(api, { name: 'web' });
  const output = async (value: object) =>
    (await acted(api, id, { 'os-getConsoleOutput': value })).json.output as string;
  assert.match(await output({}), /web/);
  assert.equal((await output({ length: 1 })).split('\n').length, 1);
  assert.equal((await output({ length: '2' })).split('\n').length, 2);
  assert.equal(await output({ length: 0 }), '');
  assert.equal((await acted(api, id, { 'os-getConsoleOutput': { length: 'x' } })).status, 400);
});

test('an administrator resets the state of a server, whatever it is doing', async (t) => {
  const api = await startCompute(t, sampleConfig(temporaryFolder(), slow));
  const id = await makeServer(api);
  const reset = (state: unknown, token = 'admin:admin') =>
    api.compute(`POST /v2.1/servers/${id}/action`, { token, body: { 'os-resetState': { state } } });
  const seen = async () => {
    const { server } = (await api.compute(`GET /v2.1/servers/${id}`)).json;
    return [server.status, server['OS-EXT-STS:task_state']];
  };
  assert.deepEqual(await seen(), ['BUILD', 'scheduling']);
  assert.equal((await reset('error')).status, 202);
  assert.deepEqual(await seen(), ['ERROR', null]);
  assert.equal((await reset('active')).status, 202);
  assert.deepEqual(await seen(), ['ACTIVE', null]);
  assert.equal((await reset('stopped')).status, 400);
  assert.equal((await reset('active', 'ann:admin')).status, 403);
});

test('SC-70 one action of a server is found by the id of its request', async (t) => {
  const api = await startCompute(t);
  const id = await makeServer(api);
  const path = `/v2.1/servers/${id}/os-instance-actions`;
  const [action] = (await api.compute(`GET ${path}`)).json.instanceActions;
  const { instanceAction } = (await api.compute(`GET ${path}/${action.request_id}`)).json;
  assert.deepEqual(instanceAction, { ...action, events: [] });
  assert.equal((await api.compute(`GET ${path}/req-x`)).status, 404);
});
