/** Servers whose messages between the API, a host and the conductor fail, over a broker in memory. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { environ, RequestContext } from 'portico/app';
import type { ManagerContext } from 'portico/registry';
import { RPCConnection, RPCService } from 'portico/rpc';
import { RegistryUnavailable } from '#internal/extras/registry';
import { DeadLetters, DeliveryUnknown, MemoryBroker, MemoryTransport, NoServers } from '#internal/extras/rpc';
import { cloudOf, sampleOptions } from '../../../examples/compute/dist/cloud.js';
import { computeRouter } from '../../../examples/compute/dist/compute/routes.js';
import { Conductor, HostManager } from '../../../examples/compute/dist/index.js';
import { closedAfter } from '../../fixtures/closed-after.js';
import { temporaryFolder } from '../../fixtures/keeper.js';
import { gate } from '../../rpc/services.js';
import { recordedLog } from '../../tasks/recorded-log.js';
import { type Answer, ask, CIRROS, load, sampleConfig, serve } from '../sample-api.js';

const DEBIAN = '8c0d94aa-1e6f-4b5d-a3c8-52e7f96b3d02';
const HOST_ROUTE = { exchange: 'portico', topic: 'compute-manager', server: 'host1' };
const ADMIN = new RequestContext({ userId: 'admin', projectId: 'admin', isAdmin: true });

/** Starts an API and declares the queue of one host. The other parts are started by the test. */
async function startCloud(t: TestContext) {
  const { log, lines } = recordedLog();
  // A message that is returned once becomes a dead letter, so no test waits for a second delivery.
  const broker = new MemoryBroker({ deliveryLimit: 0 });
  const open = async (): Promise<MemoryTransport> => {
    const transport = new MemoryTransport(broker);
    await transport.connect();
    t.after(() => transport.close());
    return transport;
  };
  const config = sampleConfig(temporaryFolder(), 'transition_ms = 0', '[rpc]\nresponse_timeout = 1');
  const [own, others] = [await open(), await open()];
  await (await others.consume(HOST_ROUTE, { prefetch: 1 }, () => {})).cancel();
  const connection = new RPCConnection({ config, transport: own, log });
  const record = { uuid: 'u', id: 1, host: 'host1', binary: 'b', topic: 'compute-manager', createdAt: new Date() };
  const service = { record, state: 'up' as 'up' | 'down', isRegistryAway: false };
  const list = async () => {
    if (service.isRegistryAway) throw new RegistryUnavailable(new Error('refused'));
    return [service];
  };
  const cloud = cloudOf({ config, onClose: (release) => t.after(() => release()) });
  cloud.write(() => cloud.quotaClasses.insert('default', { limits: { instances: 1 } }));
  const router = closedAfter(
    t,
    await computeRouter({
      cloud,
      settings: config.group('sample', sampleOptions),
      hosts: connection.client({ topic: 'compute-manager' }),
      registry: { list } as never,
      log,
      service: 'compute',
    }).build(),
  );
  const port = await serve(t, (req, res) => {
    environ(req).context = ADMIN;
    return router(req, res);
  });
  const request = (line: string, body?: object): Promise<Answer> => ask(port, line, { version: '2.79', body });
  const run = async (binary: string, host: string, manager: object): Promise<RPCService> => {
    const parts = { binary, host, registration: null, manager, transport: others, config, log };
    const made = RPCService.create(parts);
    await made.start();
    t.after(() => made.stop());
    return made;
  };
  return {
    own,
    lines,
    service,
    request,
    letters: new DeadLetters(new RPCConnection({ transport: others, log })),
    startConductor: (Made: typeof Conductor = Conductor) =>
      run('portico-conductor', 'control', new Made({ conf: config, log })),
    startHost: () => {
      const rpc = new RPCConnection({ config, transport: others, log });
      const context = { host: 'host1', conf: config, rpc, log };
      return run('portico-compute-manager', 'host1', new HostManager(context as unknown as ManagerContext));
    },
    create: async (members: object = {}): Promise<string> => {
      const server = { name: 's', flavorRef: '1', imageRef: CIRROS, networks: 'none', ...members };
      const { status, text, json } = await request('POST /servers', { server });
      assert.equal(status, 202, text);
      return json.server.id;
    },
    show: async (id: string) => (await request(`GET /servers/${id}`)).json.server,
    act: (id: string, body: object) => request(`POST /servers/${id}/action`, body),
    /** Waits until the server has this status, and returns it. */
    become: async (id: string, status: string) => {
      for (;;) {
        const { server } = (await request(`GET /servers/${id}`)).json;
        if (server.status === status) return server;
      }
    },
  };
}

/** Makes the next publish of `own` fail after `work`. With a `DeliveryUnknown` the message reaches the broker all the same. */
function failNext(own: MemoryTransport, failure: Error, work: () => Promise<unknown>): void {
  const publish = own.publish.bind(own);
  own.publish = async (...args) => {
    own.publish = publish;
    if (failure instanceof DeliveryUnknown) await publish(...args);
    await work();
    throw failure;
  };
}

const unknown = () => new DeliveryUnknown({ message: 'the connection was lost' });
/** An error that senders do not retry. */
const refused = () => new NoServers({ message: 'there is no queue' });

test('a server whose host could not be reached is in error, is on no host, and gives its quota back', async (t) => {
  const { own, create, show, request } = await startCloud(t);
  failNext(own, refused(), async () => {});
  const id = await create();
  const { status, fault, ...server } = await show(id);
  assert.deepEqual([status, fault.message], ['ERROR', 'Host host1 cannot be reached.']);
  assert.equal(server['OS-EXT-SRV-ATTR:host'], null);
  assert.equal((await request('GET /os-hypervisors/detail')).json.hypervisors.length, 1);
  assert.equal((await request(`DELETE /servers/${id}`)).status, 204);
  await create();
});

test('RP-50 a host that has begun has the message, whatever the API could learn of it', async (t) => {
  const { own, create, startConductor, startHost, become } = await startCloud(t);
  const begun = gate();
  class Watched extends Conductor {
    override begin(...args: Parameters<Conductor['begin']>): boolean {
      const answer = super.begin(...args);
      begun.open();
      return answer;
    }
  }
  await Promise.all([startConductor(Watched), startHost()]);
  failNext(own, unknown(), () => begun.opened);
  await become(await create(), 'ACTIVE');
});

test('RP-50 a task that was taken back is not begun when its message arrives none the less', async (t) => {
  const { own, create, show, act, become, startConductor, startHost, lines } = await startCloud(t);
  await startConductor();
  const host = await startHost();
  const id = await create();
  await become(id, 'ACTIVE');
  await host.stop();
  failNext(own, unknown(), async () => {});
  const answer = await act(id, { 'os-stop': null });
  assert.deepEqual([answer.status, /nothing was changed/.test(answer.text)], [503, true]);
  await startHost();
  while (!lines.some(({ msg }) => /^a task of server .* is not begun/.test(msg))) await show(id);
  assert.deepEqual([(await show(id)).status, (await show(id))['OS-EXT-STS:task_state']], ['ACTIVE', null]);
});

test('what others change while a host is called is kept when that fails', async (t) => {
  const { own, create, show, act, become, request, service, startConductor, startHost } = await startCloud(t);
  await startConductor();
  await startHost();
  const id = await create();
  await become(id, 'ACTIVE');
  failNext(own, refused(), () => request(`PUT /servers/${id}`, { server: { name: 'renamed' } }));
  const rebuilt = await act(id, { rebuild: { imageRef: DEBIAN, metadata: { a: 'b' } } });
  assert.equal(rebuilt.status, 503);
  const { name, image, metadata, status } = await show(id);
  assert.deepEqual([name, image.id, metadata, status], ['renamed', CIRROS, {}, 'ACTIVE']);
  await request(`DELETE /servers/${id}`);
  while ((await request(`GET /servers/${id}`)).status !== 404);
  // A server deleted during the cast, without its host, is not created again.
  service.state = 'up';
  failNext(own, refused(), async () => {
    service.state = 'down';
    const [server] = (await request('GET /servers')).json.servers;
    assert.equal((await request(`DELETE /servers/${server.id}`)).status, 204);
  });
  const deleted = await create();
  assert.equal((await request(`GET /servers/${deleted}`)).status, 404);
});

test('SG-33 while the registry is away servers are shown, their hosts are unknown, and no new one is placed', async (t) => {
  const { create, show, act, become, request, service, startConductor, startHost } = await startCloud(t);
  await startConductor();
  await startHost();
  const id = await create();
  await become(id, 'ACTIVE');
  const states = async () => [(await show(id)).status, (await show(id)).host_status];
  assert.deepEqual(await states(), ['ACTIVE', 'UP']);
  service.isRegistryAway = true;
  assert.deepEqual(await states(), ['ACTIVE', 'UNKNOWN']);
  assert.equal((await request('GET /os-services')).status, 503);
  const server = { name: 's', flavorRef: '1', imageRef: CIRROS, networks: 'none' };
  const refused = await request('POST /servers', { server });
  assert.deepEqual([refused.status, /service registry cannot be reached/.test(refused.text)], [503, true]);
  assert.equal((await act(id, { 'os-stop': null })).status, 202);
  await become(id, 'SHUTOFF');
  service.isRegistryAway = false;
  assert.deepEqual(await states(), ['SHUTOFF', 'UP']);
});

test('hosts by a broker without a registry are refused, at the line of the transport', async (t) => {
  const config = sampleConfig(temporaryFolder(), '', '[rpc]\ntransport_url = amqp://me:secret@127.0.0.1/');
  await assert.rejects(load(t, 'compute', config), (error: Error) => {
    const told = `${error.message} ${(error.cause as Error | undefined)?.message}`;
    assert.match(told, /portico\.ini:\d+:17: error: \[rpc\] transport_url: servers are placed on the hosts/);
    assert.doesNotMatch(told, /secret/);
    return true;
  });
});

test('a task that its host does not do within an hour puts the server in error', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const { create, show, act, request, service, startConductor, startHost, lines } = await startCloud(t);
  const id = await create();
  t.mock.timers.tick(3_599_000);
  assert.equal((await show(id)).status, 'BUILD');
  t.mock.timers.tick(1000);
  const { status, fault, ...server } = await show(id);
  assert.deepEqual([status, server['OS-EXT-STS:task_state']], ['ERROR', null]);
  assert.equal(fault.message, 'Host host1 did not do in time what was asked of it.');
  // It was never active: it cannot be stopped, rebooted or rebuilt.
  for (const body of [{ 'os-stop': null }, { reboot: { type: 'HARD' } }, { rebuild: { imageRef: CIRROS } }]) {
    const { status: answered, text } = await act(id, body);
    assert.deepEqual([answered, /an instance which has never been active/.test(text)], [409, true]);
  }
  // The message may arrive after the timeout.
  await startConductor();
  await startHost();
  while (!lines.some(({ msg }) => /^a task of server .* is not begun/.test(msg))) await show(id);
  assert.equal((await show(id)).status, 'ERROR');
  service.state = 'down';
  assert.equal((await request(`DELETE /servers/${id}`)).status, 204);
  assert.equal((await request(`GET /servers/${id}`)).status, 404);
  await create();
});

test('RP-77 what a host cannot tell its conductor is a dead letter, and is done when it is replayed', async (t) => {
  const { create, show, become, letters, startConductor, startHost } = await startCloud(t);
  await startHost();
  const id = await create();
  let reasons: readonly string[] = [];
  while (reasons.length === 0) reasons = (await letters.list()).map(({ reason }) => reason);
  assert.deepEqual(reasons, ['delivery_limit']);
  assert.equal((await show(id)).status, 'BUILD');
  await startConductor();
  const failures = (await letters.replay({})).map(({ failure }) => failure);
  assert.deepEqual(failures, [undefined]);
  await become(id, 'ACTIVE');
});

test('RP-77 a conductor that responds with an error is not one that cannot be reached', async (t) => {
  const { create, lines, letters, startConductor, startHost } = await startCloud(t);
  class Failing extends Conductor {
    override begin(): never {
      throw new Error('the database is locked');
    }
  }
  const [conductor] = await Promise.all([startConductor(Failing), startHost()]);
  await create();
  const reasonOfLetter = async (): Promise<string> => {
    for (;;) {
      const [letter] = await letters.list();
      if (letter !== undefined) return letter.reason;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  assert.equal(await reasonOfLetter(), 'delivery_limit');
  const retried = lines.find(({ msg }) => msg.endsWith('perform: failed and will run again'));
  assert.match(retried?.err?.message ?? '', /^the conductor failed: .*the database is locked/);
  await conductor.stop();
  // Another version: trying again does not help, and the letter says why.
  await startConductor(class {} as never);
  await letters.replay({});
  assert.match(await reasonOfLetter(), /^failed: NoSuchMethod: /);
});
