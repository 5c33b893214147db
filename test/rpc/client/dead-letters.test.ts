import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Delivery, RPCConnection } from 'portico/rpc';
import { DeadLetters, MemoryBroker, MemoryTransport } from '#internal/rpc';
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

/** A process that hears fanouts, and refuses what it gets. */
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
  // One of the two is dropped: what is left is the other process's.
  await nextDeadLetter(transport, 'portico');
  const again = two.refused();
  assert.deepEqual(
    (await letters.replay({ ids: ['id-1'] })).map(({ failure }) => failure),
    [undefined],
  );
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
  assert.match(replayed!.failure!, /^it was sent to all, and the process .* has ended\n.*Drop it/);
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
  assert.match(replayed!.failure!, /^it does not say which queue it came from\n.*portico\.dead.*drop/);
  assert.equal((await letters.drop({})).length, 1);
});
