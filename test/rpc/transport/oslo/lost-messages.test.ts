/** The wire format of oslo.messaging: messages that end their readers, and messages that a cut connection may have lost. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { RPCConnection, RPCService } from 'portico/rpc';
import { recordedLog } from '../../../tasks/recorded-log.js';
import { gate } from '../../services.js';
import { withBroker, withoutBroker } from '../amqp/broker.js';
import { BrokerProxy } from '../amqp/broker-proxy.js';
import { deleteOsloTopic, osloUrl, PythonPeer, withoutPython } from './peer.js';

const SERVICE = { binary: 'node-images', host: 'node', registration: null } as const;
const program = fileURLToPath(new URL('dies-reading.js', import.meta.url));

function names(t: TestContext): { readonly project: string; readonly topic: string } {
  const made = { project: `lost-${randomUUID().slice(0, 8)}`, topic: `t${randomUUID().slice(0, 8)}` };
  t.after(() => deleteOsloTopic(made.project, made.topic));
  return made;
}

test('SE-7 a message that ended two workers is put aside, the log of the second one names it, and those behind it run', {
  skip: withoutBroker,
}, async (t) => {
  const { project, topic } = names(t);
  const { log } = recordedLog();
  const start = (): ReturnType<typeof spawn> => {
    const child = spawn(process.execPath, [program, osloUrl, project, topic], { stdio: ['ignore', 'ignore', 'pipe'] });
    t.after(() => child.kill('SIGKILL'));
    return child;
  };
  const message = JSON.stringify({ method: 'poison', args: {}, _unique_id: 'p1' });
  const body = JSON.stringify({ 'oslo.version': '2.0', 'oslo.message': message });
  const rpc = new RPCConnection({ transport: osloUrl, project, log });
  t.after(() => rpc.close());
  const calls = rpc.client({ topic, timeout: 20, mandatory: false });
  // It makes the queue, where the message then waits for the first process.
  const first = RPCService.create({
    ...SERVICE,
    manager: {},
    topic,
    project,
    transport: osloUrl,
    log,
  });
  await first.start();
  await first.stop();
  await withBroker(async (connection) => {
    const publisher = connection.createPublisher({ confirm: true });
    const json = { contentType: 'application/json', contentEncoding: 'utf-8' };
    await publisher.send({ routingKey: topic, durable: true, ...json }, Buffer.from(body));
    await publisher.close();
  });
  for (const id of ['a', 'b', 'c']) await calls.cast({}, 'note', { id });
  const told: string[] = [];
  for (const _worker of [1, 2]) {
    const child = start();
    let said = '';
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const [, signal] = (await once(child, 'close')) as [number, string];
    assert.equal(signal, 'SIGKILL', said);
    told.push(said);
  }
  const name = /message (body-[\da-f]{12}) was delivered before/;
  assert.doesNotMatch(told[0]!, name);
  assert.match(told[1]!, name);
  start();
  assert.deepEqual(await calls.call({}, 'three'), ['a', 'b', 'c']);
});

test('SE-7 a message that came back runs once, in its turn, and is returned where the service stops before that', {
  skip: withoutBroker,
}, async (t) => {
  const { project, topic } = names(t);
  const proxy = await BrokerProxy.open();
  const { log, messages } = recordedLog();
  const [begun, end] = [gate(), gate()];
  const runs: string[] = [];
  const manager = {
    hold: async (_context: unknown, { id }: { id: string }) => {
      runs.push(id);
      begun.open();
      await end.opened;
    },
    count: () => runs,
  };
  const serve = async (transport: string): Promise<RPCService> => {
    const service = RPCService.create({
      ...SERVICE,
      manager,
      topic,
      project,
      log,
      transport: `${transport}?executor_pool_size=1&prefetch=3&retry_interval=0.05`,
    });
    await service.start();
    return service;
  };
  const rpc = new RPCConnection({ transport: osloUrl, project, log });
  t.after(() => rpc.close());
  const calls = rpc.client({ topic, timeout: 20 });
  const service = await serve(proxy.url.replace(/^amqp:/, 'oslo+rabbit:'));
  const casts = ['a', 'b', 'c'];
  await calls.cast({}, 'hold', { id: 'a' });
  await begun.opened;
  await calls.cast({}, 'hold', { id: 'b' });
  await calls.cast({}, 'hold', { id: 'c' });
  proxy.cut();
  while (!messages().some((line) => /consumes" is restored/.test(line))) await new Promise(setImmediate);
  const stopped = service.stop({ graceful: true });
  end.open();
  await stopped;
  assert.deepEqual(runs.slice(0, 1), ['a']);
  const again = await serve(osloUrl);
  assert.deepEqual((await calls.call<string[]>({}, 'count')).toSorted(), casts);
  await again.stop();
  await proxy.close();
});

test('PY-4 casts and calls whose connections are cut all run, once', {
  skip: withoutBroker,
}, async (t) => {
  const { project, topic } = names(t);
  const proxy = await BrokerProxy.open();
  const { log } = recordedLog();
  const runs = new Map<string, number>();
  const all = gate();
  const count = 60;
  const manager = {
    note: (_context: unknown, { id }: { id: string }) => {
      runs.set(id, (runs.get(id) ?? 0) + 1);
      if (runs.size === count) all.open();
      return id;
    },
  };
  const service = RPCService.create({
    ...SERVICE,
    manager,
    topic,
    project,
    transport: osloUrl,
    log,
  });
  await service.start();
  const transport = `${proxy.url.replace(/^amqp:/, 'oslo+rabbit:')}?retry_interval=0.05&retry_backoff=0`;
  const rpc = new RPCConnection({ transport, project, log });
  const calls = rpc.client({ topic, timeout: 30 });
  try {
    await calls.call({}, 'note', { id: 'c0' });
    const sent: Promise<unknown>[] = [];
    for (let at = 1; at < count; at++) {
      // The broker confirms later messages after the cut.
      if (at % 15 === 0) proxy.hold();
      const how = at % 2 === 0 ? 'cast' : 'call';
      sent.push(calls[how]({}, 'note', { id: `c${at}` }));
      if (at % 15 === 3) {
        await new Promise(setImmediate);
        proxy.cut();
        await sent.at(-1);
      }
    }
    await Promise.all(sent);
    await all.opened;
    assert.deepEqual(
      [...runs].filter(([, times]) => times !== 1),
      [],
    );
  } finally {
    await rpc.close();
    await service.stop();
    await proxy.close();
  }
});

test('PY-4 a server of Python drops the second copy of a cast that is published again', {
  skip: withoutPython,
}, async () => {
  const python = await PythonPeer.start();
  const proxy = await BrokerProxy.open();
  await python.serve('python');
  const { log } = recordedLog();
  const transport = `${proxy.url.replace(/^amqp:/, 'oslo+rabbit:')}?retry_interval=0.05&retry_backoff=0`;
  const rpc = new RPCConnection({ transport, project: python.exchange, log });
  const calls = rpc.client({ topic: python.topic, timeout: 30 });
  try {
    assert.equal(await calls.call({}, 'who'), 'python');
    proxy.hold();
    const cast = calls.cast({}, 'note', { id: 'held' });
    // It has run, and its sender does not know.
    assert.deepEqual((await python.event('note')).args, { id: 'held' });
    proxy.cut();
    await cast;
    await calls.cast({}, 'note', { id: 'next' });
    assert.deepEqual((await python.event('note')).args, { id: 'next' });
  } finally {
    await rpc.close();
    await python.end();
    await proxy.close();
  }
});
