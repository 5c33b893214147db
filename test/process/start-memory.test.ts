import assert from 'node:assert/strict';
import { Session } from 'node:inspector';
import { mock, type TestContext, test } from 'node:test';
import { setTimeout as later, setImmediate as turn } from 'node:timers/promises';

// The built module: it imports the others of its directory when the start is over.
const { returnStartMemory } = (await import('../../dist/process/start-memory.js' as string)) as {
  returnStartMemory(): void;
};
const { requestsInHand } = (await import('../../dist/process/requests-in-hand.js' as string)) as {
  requestsInHand: { readonly free: number[] };
};

/** Lets times pass, and the imports that follow each. */
async function pass(...times: number[]): Promise<void> {
  for (const ms of times) {
    mock.timers.tick(ms);
    for (let turns = 0; turns < 20; turns++) await turn();
  }
}

function mocked(t: TestContext): void {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
}

test('the memory of a start is returned once, when no request is in progress', async (t) => {
  mocked(t);
  const post = t.mock.method(Session.prototype, 'post', () => undefined);
  returnStartMemory();
  await pass(4999, 1);
  const slot = requestsInHand.free.pop()!;
  await pass(1000, 1000, 1000);
  assert.equal(post.mock.callCount(), 0);
  requestsInHand.free.push(slot);
  await pass(1000, 1000, 1000);
  assert.deepEqual(
    post.mock.calls.map(({ arguments: [method] }) => method as unknown),
    ['HeapProfiler.collectGarbage'],
  );
});

test('a large heap keeps it', async (t) => {
  mocked(t);
  const post = t.mock.method(Session.prototype, 'post', () => undefined);
  t.mock.method(process, 'memoryUsage', () => ({ heapUsed: 49 * 2 ** 20 }));
  returnStartMemory();
  await pass(5000, 1000, 1000);
  assert.equal(post.mock.callCount(), 0);
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
  returnStartMemory();
  await pass(5000, 1000, 1000);
  await ended;
  mock.timers.reset();
  await later(1);
});
