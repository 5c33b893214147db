import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { startedOnce, untilFileEnds } from '../e2e/program.js';
import { withoutBroker as skip } from '../rpc/transport/amqp/broker.js';
import { ControlPlane, eventually } from './control-plane.js';

const file = untilFileEnds();
let common: ControlPlane | undefined;
afterEach(() => common?.deleteServers());
/** The control plane of the tests, without a host. */
const started = startedOnce(async () => {
  const cloud = new ControlPlane(file);
  common = cloud;
  await cloud.startControl();
  return cloud;
});
/** The same with three hosts. */
const withHosts = startedOnce(async () => {
  const cloud = await started();
  const programs = await Promise.all(['host1', 'host2', 'host3'].map((host) => cloud.startHost(host)));
  return { cloud, programs };
});

const hostOf = (server: Record<string, unknown>) => server['OS-EXT-SRV-ATTR:host'];
const isActive = ({ status }: { status: string }) => status === 'ACTIVE';
const onHost1 = { availability_zone: 'nova:host1' };

test('without a host that is up a server is in error, and says why', { skip }, async () => {
  const cloud = await started();
  const { fault } = await cloud.server(await cloud.createServer(), ({ status }) => status === 'ERROR');
  assert.match(fault.message, /No valid host was found/);
});

test('servers are placed on the hosts with the fewest, and become active there', { skip }, async () => {
  const { cloud } = await withHosts();
  const hosts: unknown[] = [];
  for (let i = 0; i < 6; i++) hosts.push(hostOf(await cloud.server(await cloud.createServer(), isActive)));
  assert.deepEqual(hosts.toSorted(), ['host1', 'host1', 'host2', 'host2', 'host3', 'host3']);
  const { json } = await cloud.ask('GET /os-hypervisors/detail', { version: '2.53' });
  assert.deepEqual(
    json.hypervisors.map((each: Record<string, unknown>) => [each.hypervisor_hostname, each.running_vms, each.state]),
    [
      ['host1', 2, 'up'],
      ['host2', 2, 'up'],
      ['host3', 2, 'up'],
    ],
  );
  const { services } = (await cloud.ask('GET /os-services')).json;
  assert.deepEqual(
    services.map(({ binary, host, state }: Record<string, string>) => `${binary} ${host} ${state}`).toSorted(),
    [
      ...['host1', 'host2', 'host3'].map((host) => `nova-compute ${host} up`),
      'nova-conductor control up',
      'portico-compute control up',
    ],
  );
});

test('a server goes through its states on its host, whose console tells where it is', { skip }, async () => {
  const { cloud } = await withHosts();
  const id = await cloud.createServer(onHost1);
  await cloud.server(id, isActive);
  const act = (body: object) => cloud.ask(`POST /servers/${id}/action`, { body });
  assert.equal((await act({ 'os-stop': null })).status, 202);
  await cloud.server(id, ({ status }) => status === 'SHUTOFF');
  assert.equal((await act({ 'os-start': null })).status, 202);
  await cloud.server(id, isActive);
  assert.match((await act({ 'os-getConsoleOutput': {} })).json.output, /^Host host1\nBooting s\n/);
  assert.equal((await cloud.ask(`DELETE /servers/${id}`)).status, 204);
  await eventually(async () => ((await cloud.ask(`GET /servers/${id}`)).status === 404 ? true : undefined));
});

test('zones, hosts that are named and hosts that are disabled decide where a server goes', { skip }, async () => {
  const { cloud } = await withHosts();
  const { json } = await cloud.ask('POST /os-aggregates', {
    body: { aggregate: { name: 'a', availability_zone: 'z2' } },
  });
  for (const host of ['host2', 'host3'])
    await cloud.ask(`POST /os-aggregates/${json.aggregate.id}/action`, { body: { add_host: { host } } });
  const placed = async (members: object) => hostOf(await cloud.server(await cloud.createServer(members), () => true));
  assert.match(String(await placed({ availability_zone: 'z2' })), /^host[23]$/);
  assert.equal(await placed({ availability_zone: 'z2:host2' }), 'host2');
  assert.equal(await placed({ availability_zone: 'nova' }), 'host1');
  assert.equal(await placed(onHost1), 'host1');
  const service = await cloud.serviceOf('host1', () => true);
  await cloud.ask(`PUT /os-services/${service.id}`, { body: { status: 'disabled' } });
  assert.match(String(await placed({})), /^host[23]$/);
  await cloud.ask(`PUT /os-services/${service.id}`, { body: { status: 'enabled' } });
  const wrong = { name: 's', flavorRef: '1', imageRef: 'x', networks: 'none', availability_zone: 'nova' };
  assert.equal((await cloud.ask('POST /servers', { body: { server: wrong } })).status, 400);
});

test('SG-25 a host that died is down, its servers stay, new ones go elsewhere, and what waited for it is done', {
  skip,
}, async () => {
  const { cloud, programs } = await withHosts();
  const active = async () => {
    const id = await cloud.createServer(onHost1);
    await cloud.server(id, isActive);
    return id;
  };
  const [kept, stopped, deleted] = [await active(), await active(), await active()];
  await programs[0]!.end();
  const down = await cloud.serviceOf('host1', ({ state }) => state === 'down');
  assert.equal(down.status, 'enabled');
  const { status, host_status } = await cloud.server(kept, () => true);
  assert.deepEqual([status, host_status], ['ACTIVE', 'UNKNOWN']);
  for (let i = 0; i < 2; i++)
    assert.match(String(hostOf(await cloud.server(await cloud.createServer(), isActive))), /^host[23]$/);
  assert.equal((await cloud.ask(`DELETE /servers/${deleted}`)).status, 204);
  await eventually(async () => ((await cloud.ask(`GET /servers/${deleted}`)).status === 404 ? true : undefined));
  assert.equal((await cloud.ask(`POST /servers/${stopped}/action`, { body: { 'os-stop': null } })).status, 202);
  assert.equal((await cloud.server(stopped, () => true))['OS-EXT-STS:task_state'], 'powering-off');
  const silent = await cloud.ask(`POST /servers/${kept}/action`, { body: { 'os-getConsoleOutput': {} } });
  assert.deepEqual([silent.status, /Host host1 does not respond/.test(silent.text)], [503, true]);
  await cloud.startHost('host1');
  await cloud.server(stopped, ({ status }) => status === 'SHUTOFF');
  await cloud.serviceOf('host1', ({ state }) => state === 'up');
  assert.equal((await cloud.server(kept, () => true)).host_status, 'UP');
});

test('RP-72 a host that is killed while it makes a server makes it when it is back', { skip }, async () => {
  const { cloud } = await withHosts();
  const host = await cloud.startHost('host4', 2000);
  const id = await cloud.createServer({ availability_zone: 'nova:host4' });
  await cloud.server(id, (server) => server['OS-EXT-STS:task_state'] === 'spawning');
  await host.end();
  assert.equal((await cloud.server(id, () => true)).status, 'BUILD');
  await cloud.startHost('host4');
  await cloud.server(id, isActive);
});
