import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Delivery, RPCConnection } from 'portico/rpc';
import { DeadLetters, MemoryBroker, MemoryTransport } from '#internal/extras/rpc';
import { recordedLog } from '../../tasks/recorded-log.js';
import { nextDeadLetter } from '../conformance.js';

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
