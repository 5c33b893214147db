/** Python on the topology of `amqp://`, with the options that docs/reference/rpc.md names. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { type Notification, NotificationService, RPCConnection, RPCService } from 'portico/rpc';
import { recordedLog } from '../../../tasks/recorded-log.js';
import { inbox } from '../../notifications/inbox.js';
import { brokerUrl, deleteTopic } from '../amqp/broker.js';
import { PythonFailure, PythonPeer, withoutPython } from './peer.js';

const skip = withoutPython;
const { log } = recordedLog();

interface Sides {
  readonly python: PythonPeer;
  /** The topic as Python names it. */
  readonly named: (topic: string) => string;
  readonly client: (topic: string) => ReturnType<RPCConnection['client']>;
  readonly serve: (topic: string, manager: object) => Promise<void>;
  readonly notifier: ReturnType<RPCConnection['notifier']>;
  /** Listens to errors; the result returns them one by one. */
  readonly listen: () => Promise<() => Promise<Notification>>;
}

async function sides(t: TestContext, options: Readonly<Record<string, unknown>>, query = ''): Promise<Sides> {
  const project = `shop-${randomUUID().slice(0, 8)}`;
  const transport = `${brokerUrl}?exchange=${project}${query}`;
  const python = await PythonPeer.start({ exchange: `${project}.portico`, options });
  const rpc = new RPCConnection({ transport, log });
  const services: (RPCService | NotificationService)[] = [];
  t.after(async () => {
    await rpc.close();
    for (const service of services) await service.stop();
    await python.end();
    for (const topic of ['images', 'disks', 'notifications'])
      await deleteTopic(project, topic, ['north', 'python', 'info', 'error']);
  });
  return {
    python,
    named: (topic) => `${project}.${topic}`,
    client: (topic) => rpc.client({ topic, timeout: 20 }),
    serve: async (topic, manager) => {
      const service = RPCService.create({
        binary: 'node-images',
        topic,
        host: 'north',
        registration: null,
        manager,
        transport,
        log,
      });
      await service.start();
      services.push(service);
    },
    notifier: rpc.notifier({ publisherId: 'images.north' }),
    listen: async () => {
      const { take, next } = inbox();
      const service = NotificationService.create({ handlers: { error: take }, project, transport, log });
      await service.start();
      services.push(service);
      return next;
    },
  };
}

test('with amqp_durable_queues Python calls services of amqp://, and serves topics that they call', {
  skip,
}, async (t) => {
  const { python, named, client, serve } = await sides(t, { amqp_durable_queues: true });
  const manager = {
    echo: (_context: unknown, args: object) => args,
    fails: () => {
      throw new TypeError('oh');
    },
  };
  await serve('images', manager);
  const topic = named('images');
  assert.deepEqual(await python.call('echo', { id: 'a' }, { topic }), { id: 'a' });
  assert.deepEqual(await python.call('echo', { id: 'b' }, { topic, server: 'north' }), { id: 'b' });
  const failure = await python.call('fails', {}, { topic }).catch((error: unknown) => error);
  assert.ok(failure instanceof PythonFailure);
  assert.deepEqual([failure.error.exc_type, failure.error.value], ['TypeError', 'oh']);

  await python.serve('python', named('disks'));
  const disks = client('disks');
  assert.equal(await disks.call({}, 'who'), 'python');
  assert.equal(await disks.prepare({ server: 'python' }).call({}, 'who'), 'python');
  await assert.rejects(disks.call({}, 'builtin'), { type: 'builtins.ValueError' });
  await disks.cast({}, 'note', { to: 'any' });
  assert.deepEqual((await python.event('note')).args, { to: 'any' });
  await assert.rejects(serve('disks', manager), { code: 'PORTICO_RPC_TOPOLOGY', hint: /set both alike/ });
});

test('with rabbit_quorum_queue and its limit, and dead_letter = false, Python and Node serve one topic of amqp:// together, and notify each other', {
  skip,
}, async (t) => {
  const options = { rabbit_quorum_queue: true, rabbit_quorum_delivery_limit: 3 };
  const { python, named, client, serve, notifier, listen } = await sides(
    t,
    options,
    '&dead_letter=false&delivery_limit=3',
  );
  await serve('images', { who: () => 'node' });
  await python.serve('python', named('images'));
  const calls = client('images');
  const answers: unknown[] = [];
  for (let call = 0; call < 4; call++)
    answers.push(await calls.call({}, 'who'), await python.call('who', {}, { topic: named('images') }));
  assert.deepEqual(
    ['node', 'python'].map((who) => answers.filter((each) => each === who).length),
    [4, 4],
  );

  const topic = named('notifications');
  await notifier.info({}, 'images.resize.end', { id: 'a' });
  await python.do('listen', { name: 'listener', topic });
  const { payload, event_type, publisher_id } = await python.event('notification');
  assert.deepEqual([payload, event_type, publisher_id], [{ id: 'a' }, 'images.resize.end', 'images.north']);

  const told = { topic, event_type: 'server.end', priority: 'error' };
  await python.do('stop', { server: 'listener' });
  await python.do('notify', { ...told, payload: { id: 'before' } });
  const next = await listen();
  await python.do('notify', { ...told, payload: { id: 'after' } });
  assert.deepEqual([(await next()).payload, (await next()).payload], [{ id: 'before' }, { id: 'after' }]);
});
