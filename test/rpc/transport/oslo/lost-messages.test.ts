/** The wire format of oslo.messaging: messages that end their readers, and messages that a cut connection may have lost. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { RPCConnection, RPCService } from 'portico/rpc';
import { recordedLog } from '../../../tasks/recorded-log.js';
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
