import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { closedAfter } from '../fixtures/closed-after.js';
import { type Client, clientMissing, OpenStackSession } from '../fixtures/openstack-session.js';
import { type SampleApi, startCompute } from './sample-api.js';

/** A session for each API, because clients in one process keep what they have discovered. */
function client(t: TestContext, ...how: Parameters<OpenStackSession['client']>): Client {
  const session = closedAfter(t, new OpenStackSession(how[0]));
  return session.client(...how);
}

function openstack(t: TestContext, { url }: SampleApi, ...more: string[]): Client {
  const token = ['--os-auth-type', 'admin_token', '--os-token', 'admin:admin'];
  return client(t, 'openstack', [...token, '--os-endpoint', `${url}/v2.1`, ...more]);
}

/** Every command that the sample promises to serve, in a working order. */
const COMMANDS = `flavor create --ram 256 --vcpus 1 --disk 2 --property a=b f1
flavor list
flavor show f1
flavor set --property c=d f1
flavor unset --property a f1
flavor delete f1
keypair create k1
keypair list
keypair show k1
server group create --policy anti-affinity g1
server group list
server group show g1
compute service list
compute service set --disable host1 nova-compute
compute service set --disable --disable-reason why host1 nova-compute
compute service set --enable host1 nova-compute
hypervisor list
hypervisor list --matching host
hypervisor show host1
hypervisor stats show
aggregate create --zone z1 a1
aggregate list
aggregate show a1
aggregate set --property x=y a1
aggregate add host a1 host1
aggregate remove host a1 host1
aggregate delete a1
availability zone list
limits show --absolute
server create --flavor m1.tiny --image cirros --key-name k1 s1
server list
server show s1
server set --name s2 s1
server set --property p=q s2
server unset --property p s2
server stop s2
server start s2
server reboot s2
server reboot --hard s2
server pause s2
server unpause s2
server suspend s2
server resume s2
server lock s2
server unlock s2
server rebuild s2
server set --state error s2
server set --state active s2
server event list s2
server volume list s2
console log show s2
server delete s2
server group delete g1
keypair delete k1`.split('\n');

async function runAll(t: TestContext, ...more: string[]): Promise<void> {
  const api = await startCompute(t);
  const run = openstack(t, api, ...more);
  for (const command of COMMANDS) {
    await run(...command.split(' '));
  }
  assert.deepEqual((await api.compute('GET /v2.1/servers')).json.servers, []);
}

test('SC-100 the openstack command does all it is to do', { skip: clientMissing('openstack') }, async (t) => {
  await runAll(t);
});

test('SC-100 the openstack command does so at 2.79', { skip: clientMissing('openstack') }, async (t) => {
  await runAll(t, '--os-compute-api-version', '2.79');
});

test('SC-13 SC-100 without authentication one may look, and no more', {
  skip: clientMissing('openstack'),
}, async (t) => {
  const { url } = await startCompute(t);
  const run = client(t, 'openstack', ['--os-auth-type', 'none', '--os-endpoint', `${url}/v2.1`]);
  assert.match(await run('flavor', 'list'), /m1\.tiny/);
  await assert.rejects(run('flavor', 'create', '--ram', '1', '--vcpus', '1', '--disk', '1', 'f'), /403/);
});

test('SC-100 the nova command lists, shows, stops and starts', { skip: clientMissing('nova') }, async (t) => {
  const api = await startCompute(t);
  const server = { name: 's1', flavorRef: '1', imageRef: '3f1b2c5e-8a47-4d0b-9b52-6d1f0c7a9e01', networks: 'none' };
  await api.compute('POST /v2.1/servers', { body: { server }, version: '2.79' });
  const token = ['--os-auth-type', 'admin_token', '--os-token', 'admin:admin', '--os-endpoint', `${api.url}/v2.1`];
  const run = client(t, 'nova', token, { OS_PROJECT_ID: 'admin', OS_AUTH_URL: `${api.url}/` });
  for (const command of [
    'list',
    'show s1',
    'stop s1',
    'start s1',
    'flavor-list',
    'service-list',
    'keypair-list',
    'limits',
  ]) {
    await run(...command.split(' '));
  }
  assert.match(await run('version-list'), /2\.79/);
});

/** Tests discovery, pages, and a server with tags and a console. Prints one JSON text. */
const SDK_PROGRAM = `
import json, sys
import openstack
url = sys.argv[1]
auth = dict(auth_type='admin_token', token='admin:admin')
compute = openstack.connect(endpoint=url, compute_endpoint_override=url, compute_default_microversion='2.79', **auth).compute
versions = compute.get_endpoint_data()
server = compute.create_server(name='sdk', flavor_id='1', image_id='3f1b2c5e-8a47-4d0b-9b52-6d1f0c7a9e01', networks='none')
server = compute.wait_for_server(server, interval=0.1)
for name in ('more', 'most'):
    compute.create_server(name=name, flavor_id='1', image_id='3f1b2c5e-8a47-4d0b-9b52-6d1f0c7a9e01', networks='none')
server.set_tags(compute, ['a', 'b'])
server.remove_tag(compute, 'a')
print(json.dumps({
    'versions': [list(versions.min_microversion), list(versions.max_microversion)],
    'flavors': [flavor.name for flavor in compute.flavors(limit=1)],
    'servers': [server.name for server in compute.servers(limit=1)],
    'status': server.status,
    'tags': server.fetch_tags(compute).tags,
    'console': compute.get_server_console_output(server)['output'].split()[-1],
}))
`;

const find = "import importlib.util, sys; sys.exit(importlib.util.find_spec('openstack') is None)";
const hasSdk = spawnSync('/usr/bin/python3', ['-c', find]).status === 0;

test('SC-100 the OpenStack SDK discovers, pages, tags and reads consoles', {
  skip: hasSdk ? false : 'the OpenStack SDK is not installed',
}, async (t) => {
  const { url } = await startCompute(t);
  const { stdout } = await promisify(execFile)('/usr/bin/python3', ['-c', SDK_PROGRAM, `${url}/v2.1`]);
  assert.deepEqual(JSON.parse(stdout), {
    versions: [
      [2, 1],
      [2, 79],
    ],
    flavors: ['m1.tiny', 'm1.small', 'm1.medium'],
    servers: ['most', 'more', 'sdk'],
    status: 'ACTIVE',
    tags: ['b'],
    console: 'login:',
  });
});
