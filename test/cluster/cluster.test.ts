/** Tests three hosts of the sample on a separate network, one of which is cut off and reconnected: `npm run test:cluster`. */
import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { isLong } from '../e2e/faults/figures.js';
import type { Program } from '../e2e/program.js';
import { TcpProxy } from '../fixtures/tcp-proxy.js';
import { type Postgresql, startPostgresql } from '../registry/start-postgresql.js';
import { brokerUrl, withoutBroker } from '../rpc/transport/amqp/broker.js';
import { ControlPlane, eventually } from '../sample/control-plane.js';
import { Network, withoutNetwork } from './network.js';

const skip = isLong ? withoutNetwork || withoutBroker : 'it needs a network of its own: npm run test:cluster';
const HOSTS = ['host1', 'host2', 'host3'];

let postgresql: Postgresql | undefined;
before(async () => {
  if (skip === false) postgresql = await startPostgresql();
});
after(() => postgresql?.stop());

interface Cluster {
  readonly network: Network;
  readonly cloud: ControlPlane;
  readonly hosts: ReadonlyMap<string, Program>;
}

/** Starts the API and the conductor on this machine, three hosts, and the broker and registry at an address that all can reach. */
async function startCluster(t: TestContext, transitionMs = 20): Promise<Cluster | undefined> {
  if (postgresql === undefined) {
    t.skip('PostgreSQL is not installed');
    return undefined;
  }
  const network = new Network(t);
  const [broker, registry] = [
    await TcpProxy.to(brokerUrl, network.gateway),
    await TcpProxy.to(await postgresql.database(), network.gateway),
  ];
  t.after(() => Promise.all([broker.close(), registry.close()]));
  const within = (host: string): string[] => network.within(host);
  const cloud = new ControlPlane(t, { broker: broker.url, database: registry.url, within });
  const sync = await cloud.apiCli('control', 'db', 'sync');
  assert.equal(sync.child.exitCode, 0, sync.output());
  await cloud.startControl();
  for (const host of HOSTS) network.add(host);
  const programs = await Promise.all(HOSTS.map((host) => cloud.startHost(host, transitionMs)));
  return { network, cloud, hosts: new Map(HOSTS.map((host, i) => [host, programs[i]!])) };
}

const hostOf = (server: Record<string, unknown>) => server['OS-EXT-SRV-ATTR:host'];
const isActive = ({ status }: { status: string }) => status === 'ACTIVE';

test('SG-25 SG-33 RP-84 a host that is cut off is down, keeps its servers, and does what waited for it when it is back', {
  skip,
}, async (t) => {
  const cluster = await startCluster(t);
  if (cluster === undefined) return;
  const { network, cloud, hosts } = cluster;
  const act = (id: string, body: object) => cloud.ask(`POST /servers/${id}/action`, { body });
  const active = async (zone?: string) => {
    const id = await cloud.createServer(zone === undefined ? {} : { availability_zone: zone });
    return { id, host: hostOf(await cloud.server(id, isActive)) };
  };
  const first = [await active(), await active(), await active()];
  assert.deepEqual(first.map(({ host }) => host).toSorted(), HOSTS);
  const stopped = first.find(({ host }) => host === 'host2')!.id;
  const [kept, deleted] = [(await active('nova:host2')).id, (await active('nova:host2')).id];

  network.cut('host2');
  await cloud.serviceOf('host2', ({ state }) => state === 'down');
  const states = (await cloud.services()).map(({ host, state }: { host: string; state: string }) => `${host} ${state}`);
  assert.deepEqual(states.toSorted(), ['host1 up', 'host2 down', 'host3 up']);
  const { status, host_status } = await cloud.server(kept, () => true);
  assert.deepEqual([status, host_status], ['ACTIVE', 'UNKNOWN']);
  const others = [await active(), await active()].map(({ host }) => host);
  assert.deepEqual(others.toSorted(), ['host1', 'host3']);
  assert.equal((await act(stopped, { 'os-stop': null })).status, 202);
  assert.equal((await act(kept, { 'os-getConsoleOutput': {} })).status, 503);
  assert.equal((await cloud.ask(`DELETE /servers/${deleted}`)).status, 204);
  await eventually(async () => ((await cloud.ask(`GET /servers/${deleted}`)).status === 404 ? true : undefined));
  const program = hosts.get('host2')!;
  await program.printed(/Lost connection to the service registry/);
  const blind = await cluster.cloud.apiCli('host2', 'service', 'list', '--json');
  assert.deepEqual([blind.child.exitCode, blind.stdout], [1, ''], blind.output());

  network.heal('host2');
  await cloud.serviceOf('host2', ({ state }) => state === 'up');
  await program.printed(/Recovered from being unable to report status/);
  await cloud.server(stopped, (server) => server.status === 'SHUTOFF');
  await cloud.server(kept, (server) => server.status === 'ACTIVE' && server.host_status === 'UP');
  assert.match((await act(kept, { 'os-getConsoleOutput': {} })).json.output, /^Host host2\n/);
  assert.equal((await active('nova:host2')).host, 'host2');
  assert.doesNotMatch(program.output(), /worker_exited|Unexpected error/);
});

test('RP-72 RP-79 a host that is cut off while it makes a server has made it when it is back', { skip }, async (t) => {
  const cluster = await startCluster(t, 4000);
  if (cluster === undefined) return;
  const { network, cloud } = cluster;
  const id = await cloud.createServer({ availability_zone: 'nova:host3' });
  await cloud.server(id, (server) => server['OS-EXT-STS:task_state'] === 'spawning');
  network.cut('host3');
  await cloud.serviceOf('host3', ({ state }) => state === 'down');
  assert.equal((await cloud.server(id, () => true)).status, 'BUILD');
  network.heal('host3');
  await cloud.server(id, isActive);
});

test('SG-55 api-cli service tells the same on every machine, and an operator decides from any', { skip }, async (t) => {
  const cluster = await startCluster(t);
  if (cluster === undefined) return;
  const { cloud } = cluster;
  const list = await cluster.cloud.apiCli(
    'host1',
    'service',
    'list',
    '--topic',
    'compute-manager',
    '--check',
    '--json',
  );
  const { services } = JSON.parse(list.stdout) as { services: { host: string; state: string }[] };
  assert.deepEqual([list.child.exitCode, services.map(({ host }) => host)], [0, HOSTS]);
  const disabled = await cluster.cloud.apiCli('host3', 'service', 'disable', 'portico-compute-manager@host1');
  assert.equal(disabled.child.exitCode, 0, disabled.output());
  await cluster.cloud.apiCli('host2', 'service', 'disable', 'portico-compute-manager@host2');
  for (let i = 0; i < 2; i++) {
    assert.equal(hostOf(await cloud.server(await cloud.createServer(), isActive)), 'host3');
  }
});
