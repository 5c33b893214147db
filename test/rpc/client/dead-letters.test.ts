import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Config } from 'portico/config';
import { type Delivery, RPCConnection, rpc } from 'portico/rpc';
import { DeadLetters, MemoryBroker, MemoryTransport } from '#internal/extras/rpc';
import { recordedLog } from '../../tasks/recorded-log.js';
import { nextDeadLetter } from '../conformance.js';
import { gate, type Network, networkOf } from '../services.js';

const route = { exchange: 'portico', topic: 'images' };
const unreadable = { id: 'id-1', body: Buffer.from('{') };

async function openLetters(t: TestContext) {
  const transport = new MemoryTransport(new MemoryBroker());
  await transport.connect();
  t.after(() => transport.close());
  return { transport, letters: new DeadLetters(new RPCConnection({ transport, log: recordedLog().log })) };
}

/** A process that consumes fanouts and rejects each delivery to the dead letters. */
async function listener(transport: MemoryTransport) {
  const asked: (() => void)[] = [];
  const take = ({ deadLetter }: Delivery): void => {
    void deadLetter('unreadable: not JSON').then(() => asked.shift()!());
  };
  const consumer = await transport.consume({ ...route, fanout: true }, { prefetch: 1 }, take);
  return { refused: () => new Promise<void>((resolve) => asked.push(resolve)), end: () => consumer.cancel() };
}

test('RP-75 RP-95 a fanout that cannot be read is a letter of each process, and is replayed to that process alone', async (t) => {
  const { transport, letters } = await openLetters(t);
  const [one, two] = [await listener(transport), await listener(transport)];
  const both = Promise.all([one.refused(), two.refused()]);
  await transport.publish({ ...route, fanout: true }, unreadable);
  await both;
  assert.deepEqual(
    (await letters.list({ topic: 'images' })).map(({ id, topic, host, isFanout }) => [id, topic, host, isFanout]),
    [
      ['id-1', 'images', undefined, true],
      ['id-1', 'images', undefined, true],
    ],
  );
  // Drop one of the two; the other belongs to the other process.
  await nextDeadLetter(transport, 'portico');
  const again = two.refused();
  const failures = (await letters.replay({ ids: ['id-1'] })).map(({ failure }) => failure);
  assert.deepEqual(failures, [undefined]);
  await again;
  assert.equal((await letters.list()).length, 1);
});

test('RP-95 a fanout whose process has ended is not replayed, and its letter stays', async (t) => {
  const { transport, letters } = await openLetters(t);
  const [one, two] = [await listener(transport), await listener(transport)];
  const both = Promise.all([one.refused(), two.refused()]);
  await transport.publish({ ...route, fanout: true }, unreadable);
  await both;
  await Promise.all([one.end(), two.end()]);
  const [replayed] = await letters.replay({});
  assert.match(
    replayed!.failure!,
    /^it is a copy of a fanout, and its process has ended or is not connected to the broker\n.*Drop it/,
  );
  assert.equal((await letters.list()).length, 2);
});

test('RP-95 a letter that does not say where it died is listed, not replayed, and says what to do', async (t) => {
  const { transport, letters } = await openLetters(t);
  assert.deepEqual(await letters.list(), []);
  await transport.publish('portico.dead', unreadable, { mandatory: true });
  const [letter] = await letters.list();
  assert.deepEqual(
    [letter!.topic, letter!.host, letter!.died, letter!.reason],
    [undefined, undefined, undefined, 'unknown'],
  );
  const [replayed] = await letters.replay({});
  assert.match(replayed!.failure!, /^its original queue is unknown\n.*portico\.dead.*drop/);
  assert.equal((await letters.drop({})).length, 1);
});

const ini = `[rpc]\nrequire_signature = yes\nsigning_keys = a:${'o'.repeat(32)}\n`;

/** Fails until `isRepaired` is set. */
class Disks {
  isRepaired = false;
  readonly done: string[] = [];
  readonly all = gate();
  @rpc({ ack: 'late', idempotent: true })
  attach(_: unknown, { id }: { id: string }): void {
    if (!this.isRepaired) throw new Error(`disk ${id} is broken`);
    this.done.push(id);
    if (this.done.length === 3) this.all.open();
  }
}

async function replaysWhereTheyWereSent({ transport, serve, client }: Network): Promise<void> {
  const [disks, others] = [new Disks(), new Disks()];
  others.isRepaired = true;
  await serve(disks, { ini });
  await serve(others, { ini, topic: 'volumes', binary: 'portico-volumes' });
  const caller = client({}, { ini });
  await caller.cast({}, 'attach', { id: 'of the topic' });
  await caller.prepare({ server: 'north' }).cast({}, 'attach', { id: 'of the host' });
  await caller.prepare({ fanout: true }).cast({}, 'attach', { id: 'of all' });
  const connection = new RPCConnection({ config: Config.fromText(ini), transport });
  const letters = new DeadLetters(connection);
  while ((await letters.list()).length < 3) await new Promise((resolve) => setImmediate(resolve));
  const found = (await letters.list()).map(({ topic, host = '', method }) => [topic, host, method].join(' '));
  assert.deepEqual(found.toSorted(), ['images  attach', 'images  attach', 'images north attach']);
  // Any publisher on the broker can copy a letter to another service.
  const driver = await connection.connected(10_000);
  await driver.eachDeadLetter(letters.exchange, async ({ message }) => {
    await driver.publish({ exchange: letters.exchange, topic: 'volumes' }, message);
  });
  while ((await letters.list({ topic: 'volumes' })).length < 3) await new Promise((resolve) => setImmediate(resolve));
  for (const { method, reason } of await letters.list({ topic: 'volumes' })) {
    assert.deepEqual([method, reason], [undefined, 'unreadable: its signature by the key "a" is wrong']);
  }
  disks.isRepaired = true;
  const replayed = await letters.replay({});
  const failures = replayed.map(({ failure }) => failure);
  assert.deepEqual(failures, [undefined, undefined, undefined, undefined, undefined, undefined]);
  await disks.all.opened;
  assert.deepEqual(disks.done.toSorted(), ['of all', 'of the host', 'of the topic']);
  while ((await letters.list({ topic: 'volumes' })).length < 3) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(others.done, []);
  await connection.close();
}

test('RP-90 RP-95 a message that came unsigned is replayed unsigned: no service that requires a signature takes it', async (t) => {
  const { transport, serve, client } = networkOf(t);

  const keys = ini.replace('require_signature = yes', 'require_signature = no');
  const lenient = await serve(new Disks(), { ini: keys });
  await client().cast({}, 'attach', { id: 'forged' });
  const connection = new RPCConnection({ config: Config.fromText(keys), transport });
  const letters = new DeadLetters(connection);
  while ((await letters.list()).length < 1) await new Promise((resolve) => setImmediate(resolve));
  await lenient.stop();
  const strict = new Disks();
  strict.isRepaired = true;
  await serve(strict, { ini });
  assert.equal((await letters.replay({}))[0]!.failure, undefined);
  while ((await letters.list()).length < 1) await new Promise((resolve) => setImmediate(resolve));
  assert.equal((await letters.list())[0]!.reason, 'unreadable: it is not signed');
  assert.deepEqual(strict.done, []);
  await connection.close();
});

test('RP-90 RP-95 signed messages are replayed to where they were sent, and nowhere else', (t) =>
  replaysWhereTheyWereSent(networkOf(t)));

test('RP-95 a letter of another sender, whose message has no id, has one by its body', async (t) => {
  const { transport, letters } = await openLetters(t);
  await letters.list();
  for (const text of ['a', 'b']) await transport.publish('portico.dead', { id: '', body: Buffer.from(text) });
  const [first, second] = (await letters.list()).map(({ id }) => id);
  assert.deepEqual([first, second], ['body-ca978112ca1b', 'body-3e23e8160039']);
  assert.equal((await letters.drop({ ids: [second!] })).length, 1);
  assert.deepEqual(
    (await letters.list()).map(({ id }) => id),
    [first],
  );
});

test('RP-95 a letter that names a queue which is of no service of the exchange is not replayed', async (t) => {
  const { transport, letters } = await openLetters(t);
  const replies = await transport.consumeReplies(() => assert.fail('a replay came'));
  for (const queue of [replies.address, 'portico.dead', 'nova.images', 'portico.images/delay', 'images', 'portico.']) {
    // Any sender can forge the fields that name the queue.
    transport.eachDeadLetter = (_exchange, take) =>
      take({
        message: unreadable,
        death: { queue, reason: 'expired', at: 0 },
        redelivered: false,
        count: 1,
        ack: () => assert.fail('it is forgotten'),
        requeue: async () => {},
        deadLetter: async () => true,
      });
    const [replayed] = await letters.replay({});
    const told = `it names the queue ${JSON.stringify(queue)}, which belongs to no service of the exchange portico\n`;
    assert.ok(replayed!.failure!.startsWith(told), replayed!.failure);
    assert.match(replayed!.failure!, /Drop it/);
  }
});

test('RP-90 RP-95 a copy of what a process ran, put among the dead letters, is not run by it again after a replay', async (t) => {
  const { transport, serve, client, log } = networkOf(t);

  const connection = new RPCConnection({ config: Config.fromText(ini), transport });
  const letters = new DeadLetters(connection);
  const driver = await connection.connected(10_000);
  const to = { exchange: letters.exchange, topic: 'images' };
  // An attacker who can consume and publish forwards the message and dead-letters a copy of it.
  const planted = gate();
  const spy = await driver.consume(to, { prefetch: 1 }, (delivery) => {
    void spy
      .cancel()
      .then(() => delivery.deadLetter('failed: a copy'))
      .then(() => driver.publish(to, delivery.message))
      .then(planted.open);
  });
  await client({}, { ini }).cast({}, 'attach', { id: 'once' });
  await planted.opened;
  const disks = new Disks();
  disks.isRepaired = true;
  await serve(disks, { ini });
  while (disks.done.length === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal((await letters.replay({}))[0]!.failure, undefined);
  while (!log.messages().some((line) => line.endsWith('was dropped, it is a duplicate'))) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual(disks.done, ['once']);
  await connection.close();
});
