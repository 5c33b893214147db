import assert from 'node:assert/strict';
import { Session } from 'node:inspector';
import { mock, type TestContext, test } from 'node:test';
import { setTimeout as later, setImmediate as turn } from 'node:timers/promises';

// The built module: it imports the others of its directory when the start is over.
const { returnStartMemory } = (await import('../../dist/process/start-memory.js' as string)) as {
  returnStartMemory(rests?: () => boolean): void;
};
const { requestsInHand } = (await import('../../dist/process/requests-in-hand.js' as string)) as {
  requestsInHand: { readonly free: number[]; serial: number };
};

/** Lets the time of a start pass, and the imports that follow. */
async function passStart(rests?: () => boolean): Promise<void> {
  returnStartMemory(rests);
  await passTime();
}

async function passTime(): Promise<void> {
  mock.timers.tick(5000);
  for (let turns = 0; turns < 20; turns++) await turn();
}

function mocked(t: TestContext): void {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
}

test('the memory of a start is returned by a process that does nothing, has a small heap and no optimized code', async (t) => {
  mocked(t);
  const post = t.mock.method(Session.prototype, 'post', () => undefined);
  const slot = requestsInHand.free.pop()!;
  await passStart();
  requestsInHand.free.push(slot);
  requestsInHand.serial = 101;
  await passStart();
  requestsInHand.serial = 1;
  const heap = t.mock.method(process, 'memoryUsage', () => ({ heapUsed: 49 * 2 ** 20 }));
  await passStart();
  heap.mock.restore();
  assert.equal(post.mock.callCount(), 0);
  await passStart();
  assert.deepEqual(
    post.mock.calls.map(({ arguments: [method] }) => method as unknown),
    ['HeapProfiler.collectGarbage'],
  );
});

test('a parent returns it when its workers leave it the CPUs', async (t) => {
  mocked(t);
  const post = t.mock.method(Session.prototype, 'post', () => undefined);
  let rests = false;
  await passStart(() => rests);
  await passTime();
  assert.equal(post.mock.callCount(), 0);
  rests = true;
  await passTime();
  await passTime();
  assert.equal(post.mock.callCount(), 1);
});

test('timers go on after it', async (t) => {
  mocked(t);
  const ended = new Promise<void>((resolve) => {
    const { disconnect } = Session.prototype;
    t.mock.method(Session.prototype, 'disconnect', function (this: Session) {
      disconnect.call(this);
      resolve();
    });
  });
  await passStart();
  await ended;
  mock.timers.reset();
  await later(1);
});
