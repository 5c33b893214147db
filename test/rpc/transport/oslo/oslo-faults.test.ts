/** The wire format of oslo.messaging under faults: most with a Python process as the peer, and messages that end their readers. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { RPCConnection, RPCService } from 'portico/rpc';
import { RpcTimeout } from '#internal/extras/rpc';
import { closedAfter } from '../../../fixtures/closed-after.js';
import { recordedLog } from '../../../tasks/recorded-log.js';
import { gate } from '../../services.js';
import { brokerTest, brokerUrl, deleteTopic, withBroker } from '../amqp/broker.js';
import { BrokerProxy } from '../amqp/broker-proxy.js';
import { deleteOsloTopic, osloUrl, PythonPeer, withoutPython } from './peer.js';

const skip = withoutPython;
const { log } = recordedLog();
let python: PythonPeer;
const topics: string[] = [];

before(async () => {
  if (!skip) python = await PythonPeer.start();
});

after(async () => {
  if (skip) return;
  await python.end();
  for (const topic of topics) await deleteOsloTopic(python.exchange, topic);
});

function topicOf(name: string): string {
  const topic = `${python.topic}-${name}`;
  topics.push(topic);
  return topic;
}

const QUICK = 'retry_interval=0.05';

function through(proxy: BrokerProxy): string {
  return `${proxy.url.replace(/^amqp:/, 'oslo+rabbit:')}?${QUICK}`;
}

function service(topic: string, manager: object, { host = 'node', transport = osloUrl } = {}): RPCService {
  const { exchange: project } = python;
  const common = { binary: 'node-images', registration: null, project, log } as const;
  return RPCService.create({ ...common, topic, host, manager, transport });
}

test('a server of Python is killed in mid-call: a monitored call fails soon, another one in its time, and a Node server goes on', {
  skip,
}, async () => {
  const victim = await PythonPeer.start({ exchange: python.exchange });
  const topic = topicOf('killed');
  await victim.serve('python', topic);
  const rpc = new RPCConnection({ transport: osloUrl, project: python.exchange, log });
  const calls = rpc.client({ topic, timeout: 30 });
  const node = service(topic, { who: () => 'node' });
  try {
    const monitored = calls.prepare({ callMonitorTimeout: 2 }).call({}, 'sleep', { seconds: 60 });
    const plain = calls.prepare({ timeout: 1 }).call({}, 'sleep', { seconds: 60 });
    const failed = Promise.allSettled([monitored, plain]);
    await victim.event('sleeps');
    await victim.event('sleeps');
    victim.child.kill('SIGKILL');
    await once(victim.child, 'exit');
    await node.start();
    assert.equal(await calls.call({}, 'who'), 'node');
    const [silent, late] = (await failed).map((each) => (each as PromiseRejectedResult).reason as RpcTimeout);
    assert.ok(silent instanceof RpcTimeout && late instanceof RpcTimeout);
    assert.deepEqual([silent.monitor, late.monitor], [true, false]);
  } finally {
    await node.stop();
    await rpc.close();
    await victim.end();
  }
});

test('connections are cut while calls run, on the side of the server and of the caller: each gets its reply', {
  skip,
}, async () => {
  const [servers, clients] = [await BrokerProxy.open(), await BrokerProxy.open()];
  const topic = topicOf('cut');
  const theirs = topicOf('theirs');
  const [begun, end] = [gate(), gate()];
  const held = {
    hold: async () => {
      begun.open();
      await end.opened;
      return 'held';
    },
  };
  const node = service(topic, held, { transport: through(servers) });
  const rpc = new RPCConnection({ transport: through(clients), project: python.exchange, log });
  try {
    await node.start();
    await python.serve('python', theirs);
    const reply = python.call('hold', {}, { topic });
    await begun.opened;
    servers.cut();
    const slow = rpc.client({ topic: theirs, timeout: 30 }).call({}, 'sleep', { seconds: 0.3 });
    await python.event('sleeps');
    clients.cut();
    end.open();
    assert.deepEqual(await Promise.all([reply, slow]), ['held', 'slept']);
    // Both take new calls.
    assert.equal(await python.call('hold', {}, { topic }), 'held');
    const calls = rpc.client({ topic: theirs, timeout: 30 });
    assert.equal(await calls.call({}, 'nothing'), null);
    await calls.prepare({ fanout: true }).cast({}, 'note', { after: 'cut' });
    assert.deepEqual((await python.event('note')).args, { after: 'cut' });
  } finally {
    await node.stop();
    await rpc.close();
    await python.do('stop', { server: 'python' });
    await Promise.all([servers.close(), clients.close()]);
  }
});

test('PY-4 a server of Python drops the second copy of a cast that is published again', { skip }, async () => {
  const proxy = await BrokerProxy.open();
  const topic = topicOf('again');
  await python.serve('python', topic);
  const rpc = new RPCConnection({ transport: through(proxy), project: python.exchange, log });
  const calls = rpc.client({ topic, timeout: 30 });
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
    await python.do('stop', { server: 'python' });
    await proxy.close();
  }
});

const diesReading = fileURLToPath(new URL('dies-reading.js', import.meta.url));

brokerTest(
  'SE-7 a message that ended two workers is put aside, the log of the second one names it, and those behind it run',
  async (t) => {
    const [project, topic] = [`lost-${randomUUID().slice(0, 8)}`, `t${randomUUID().slice(0, 8)}`];
    t.after(() => deleteOsloTopic(project, topic));
    const start = (): ReturnType<typeof spawn> => {
      const child = spawn(process.execPath, [diesReading, osloUrl, project, topic], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      t.after(() => child.kill('SIGKILL'));
      return child;
    };
    const message = JSON.stringify({ method: 'poison', args: {}, _unique_id: 'p1' });
    const body = JSON.stringify({ 'oslo.version': '2.0', 'oslo.message': message });
    const rpc = closedAfter(t, new RPCConnection({ transport: osloUrl, project, log }));
    const calls = rpc.client({ topic, timeout: 20, mandatory: false });
    // It makes the queue, where the message then waits for the first process.
    const common = { binary: 'node-images', host: 'node', registration: null, log } as const;
    const first = RPCService.create({ ...common, manager: {}, topic, project, transport: osloUrl });
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
  },
);

/** Calls that go on until they are stopped, counted. */
class Callers {
  readonly answered: string[] = [];
  readonly failures: unknown[] = [];
  made = 0;
  #isOver = false;
  readonly #running: Promise<void>[] = [];
  readonly #open = new Set<string>();

  /** Starts callers, each of which makes one call after another. */
  start(count: number, call: (id: string) => Promise<unknown>): void {
    for (let caller = 0; caller < count; caller++) this.#running.push(this.#run(call));
  }

  /** Waits until this many more calls have ended. */
  async more(count: number): Promise<void> {
    const enough = this.answered.length + this.failures.length + count;
    while (this.answered.length + this.failures.length < enough)
      await new Promise((resolve) => setTimeout(resolve, 10));
  }

  /** Waits until the present calls have ended. */
  async settled(): Promise<void> {
    const open = [...this.#open];
    while (open.some((id) => this.#open.has(id))) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#running);
  }

  async #run(call: (id: string) => Promise<unknown>): Promise<void> {
    while (!this.#isOver) {
      const id = `c${this.made++}`;
      this.#open.add(id);
      await call(id).then(
        (result) => this.answered.push((result as { id: string }).id),
        (error: unknown) => this.failures.push(error),
      );
      this.#open.delete(id);
    }
  }
}

/** Counts the runs of each call. */
function counting() {
  const seen = new Map<string, number>();
  const manager = {
    echo: async (_context: unknown, args: { id: string }) => {
      seen.set(args.id, (seen.get(args.id) ?? 0) + 1);
      await new Promise((resolve) => setTimeout(resolve, 5));
      return args;
    },
  };
  return { manager, seen, twice: () => [...seen.values()].filter((times) => times !== 1) };
}

test('PY-2 a topic moves from Python to Node, and then from the one topology to the other, under the calls of both languages', {
  skip,
}, async (t) => {
  const topic = topicOf('moving');
  const { exchange: project } = python;
  const { manager, seen, twice } = counting();
  const [old, own] = [service(topic, manager), service(topic, manager, { host: 'own', transport: brokerUrl })];
  const [before, later] = [osloUrl, brokerUrl].map((transport) => new RPCConnection({ transport, project, log }));
  const moved = await PythonPeer.start({ exchange: `${project}.portico`, options: { amqp_durable_queues: true } });
  const callers = new Callers();
  const timeout = 5;
  let ofNode = before!.client({ topic, timeout });
  let ofPython = (id: string): Promise<unknown> => python.call('echo', { id }, { topic, timeout });
  try {
    await python.serve('south', topic);
    callers.start(3, (id) => ofNode.call({}, 'echo', { id }));
    callers.start(2, (id) => ofPython(id));
    await callers.more(30);
    await old.start();
    await callers.more(30);
    await python.do('stop', { server: 'south' });
    await callers.settled();
    await callers.more(30);
    // A Python service that stops drops what it has acknowledged and not begun: one call of each caller at most.
    const lost = callers.failures.length;
    assert.ok(lost <= 5, `${lost} lost: ${String(callers.failures[0])}`);
    await own.start();
    ofNode = later!.client({ topic, timeout });
    await callers.more(30);
    ofPython = (id) => moved.call('echo', { id }, { topic: `${project}.${topic}`, timeout });
    await callers.more(60);
    await old.stop({ graceful: true });
    await callers.more(30);
    await callers.end();
    assert.deepEqual(callers.failures.slice(lost), []);
    assert.equal(new Set(callers.answered).size, callers.made - lost);
    assert.deepEqual(twice(), []);
    t.diagnostic(`${callers.made} calls, ${seen.size} served by Node, ${lost} lost by the stop of Python`);
  } finally {
    await callers.end();
    await Promise.all([old.stop(), own.stop()]);
    await Promise.all([before!.close(), later!.close()]);
    await moved.end();
    await deleteTopic(project, topic, ['own']);
  }
});
