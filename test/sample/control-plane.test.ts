import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { emptyProject, startedOnce, startProject, untilFileEnds } from '../e2e/program.js';
import { clientMissing, OpenStackSession } from '../fixtures/openstack-session.js';
import { TcpProxy } from '../fixtures/tcp-proxy.js';
import { startPostgresql } from '../registry/start-postgresql.js';
import { brokerUrl, withoutBroker as skip } from '../rpc/transport/amqp/broker.js';
import { ControlPlane, eventually } from './control-plane.js';

const file = untilFileEnds();
let common: ControlPlane | undefined;
afterEach(() => common?.deleteServers());
/** The control plane of the tests, without a host; its broker is behind a proxy. */
const started = startedOnce(async () => {
  const proxy = await TcpProxy.to(brokerUrl);
  const cloud = new ControlPlane(file, { broker: proxy.url });
  file.after(() => proxy.close());
  common = cloud;
  return { cloud, proxy, control: await cloud.startControl() };
});
/** The same with three hosts. */
const withHosts = startedOnce(async () => {
  const { cloud, ...rest } = await started();
  const programs = await Promise.all(['host1', 'host2', 'host3'].map((host) => cloud.startHost(host)));
  return { cloud, programs, ...rest };
});

const hostOf = (server: Record<string, unknown>) => server['OS-EXT-SRV-ATTR:host'];
const isActive = ({ status }: { status: string }) => status === 'ACTIVE';
const onHost1 = { availability_zone: 'nova:host1' };

test('without a host that is up a server is in error, and says why', { skip }, async () => {
  const { cloud } = await started();
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

test('the openstack command makes a server, and lists services and hosts', {
  skip: skip || clientMissing('openstack'),
}, async (t) => {
  const { cloud } = await withHosts();
  const words = ['--os-auth-type', 'admin_token', '--os-token', 'admin:admin', '--os-endpoint', cloud.url];
  const session = new OpenStackSession();
  t.after(() => session.close());
  const openstack = async (...more: string[]) =>
    JSON.parse(await session.client('openstack', words)(...more, '-f', 'json'));
  const server = await openstack('server', 'create', '--flavor', '1', '--image', 'cirros', '--wait', 's1');
  assert.equal(server.status, 'ACTIVE');
  assert.match(hostOf(server) as string, /^host[123]$/);
  const services = await openstack('compute', 'service', 'list');
  assert.deepEqual(
    services.map((each: Record<string, string>) => `${each.Binary} ${each.Host} ${each.State}`).toSorted(),
    [
      ...['host1', 'host2', 'host3'].map((host) => `nova-compute ${host} up`),
      'nova-conductor control up',
      'portico-compute control up',
    ],
  );
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

test('while the broker is away new servers are in error, actions change nothing, and both work when it is back', {
  skip,
}, async () => {
  const { cloud, proxy, control } = await withHosts();
  const id = await cloud.createServer(onHost1);
  await cloud.server(id, isActive);
  proxy.partition();
  const stop = () => cloud.ask(`POST /servers/${id}/action`, { body: { 'os-stop': null } });
  const [refused, failed] = await Promise.all([stop(), cloud.createServer(onHost1)]);
  assert.equal(refused.status, 503);
  assert.match(refused.text, /Host host1 cannot be reached: nothing was changed/);
  await control.printed(/host host1 cannot be reached for powering-off of server/);
  const { fault } = await cloud.server(failed, ({ status }) => status === 'ERROR');
  assert.match(fault.message, /Host host1 cannot be reached/);
  const server = await cloud.server(id, () => true);
  assert.deepEqual([server.status, server['OS-EXT-STS:task_state']], ['ACTIVE', null]);
  proxy.heal();
  await eventually(async () => ((await stop()).status === 202 ? true : undefined));
  await cloud.server(id, ({ status }) => status === 'SHUTOFF');
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
  assert.deepEqual([silent.status, /Host host1 does not answer/.test(silent.text)], [503, true]);
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

test('SG-33 while the registry is away servers are shown, their hosts are unknown, and no new one is placed', {
  skip,
}, async (t) => {
  const postgresql = await startPostgresql();
  if (postgresql === undefined) return t.skip('PostgreSQL is not installed');
  t.after(() => postgresql.stop());
  const proxy = await TcpProxy.to(await postgresql.database());
  t.after(() => proxy.close());
  const cloud = new ControlPlane(t, { database: proxy.url });
  assert.equal((await cloud.apiCli('control', 'db', 'sync')).child.exitCode, 0);
  await cloud.startControl();
  const host = await cloud.startHost('host1');
  const id = await cloud.createServer();
  assert.equal((await cloud.server(id, isActive)).host_status, 'UP');
  proxy.partition();
  const { status, host_status } = await cloud.server(id, (server) => server.host_status !== 'UP');
  assert.deepEqual([status, host_status], ['ACTIVE', 'UNKNOWN']);
  assert.equal((await cloud.ask('GET /os-services')).status, 503);
  await assert.rejects(cloud.createServer(), /503 .*service registry cannot be reached/);
  assert.equal((await cloud.ask(`POST /servers/${id}/action`, { body: { 'os-stop': null } })).status, 202);
  await cloud.server(id, (server) => server.status === 'SHUTOFF');
  await host.printed(/Lost connection to the service registry/);
  proxy.heal();
  await cloud.serviceOf('host1', ({ state }) => state === 'up');
  assert.equal((await cloud.server(id, (server) => server.host_status === 'UP')).status, 'SHUTOFF');
});

test('hosts by a broker without a registry are refused, at the line of the transport', { skip }, async (t) => {
  const paste = '[app:compute]\npaste.app_factory = portico/sample:compute\n';
  const ini = `[DEFAULT]\nstate_path = .\n[api:compute]\nport = 0\nworkers = 1\n[rpc]\ntransport_url = ${brokerUrl}\n`;
  const program = startProject(t, emptyProject({ 'api-paste.ini': paste, 'portico.ini': ini }));
  assert.equal((await program.ended).code, 78);
  assert.match(program.output(), /portico\.ini:7:17: error: \[rpc\] transport_url: servers are placed on the hosts/);
  assert.doesNotMatch(program.output(), /guest:guest/);
});
