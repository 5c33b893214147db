import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RetryDecorator, retry } from 'portico/tasks';
import { FakeClock } from 'portico/testing';

class Passing extends Error {}
class PassingToo extends Passing {}

/** Returns a function that fails `times` times and then returns its arguments, and the times of its calls. */
function failing(
  clock: FakeClock,
  times: number,
): { work: (...args: unknown[]) => Promise<unknown[]>; calls: number[] } {
  const calls: number[] = [];
  const work = async (...args: unknown[]): Promise<unknown[]> => {
    calls.push(clock.now() / 1000);
    if (calls.length <= times) throw new PassingToo(`failure ${calls.length}`);
    return args;
  };
  return { work, calls };
}

test('LC-651 LC-652 LC-654 retries listed errors, waiting longer each time up to a maximum', async () => {
  const clock = new FakeClock();
  const { work, calls } = failing(clock, 4);
  const result = retry({ incSleepTime: 10, maxSleepTime: 25, exceptions: [Passing], clock })(work)('a', 1);
  await clock.advance(1e6);
  assert.deepEqual(await result, ['a', 1]);
  assert.deepEqual(calls, [0, 10, 30, 55, 80]);
});

test('LC-652 after the last retry the last error is thrown', async () => {
  const clock = new FakeClock();
  const { work, calls } = failing(clock, 99);
  const result = assert.rejects(retry({ maxRetryCount: 3, exceptions: [Passing], clock })(work)(), /failure 4/);
  await clock.advance(1e6);
  await result;
  assert.equal(calls.length, 4);
  await assert.rejects(retry({ maxRetryCount: 0, exceptions: [Passing], clock })(work)(), /failure 5/);
});

test('LC-653 an error that is not listed is thrown at once; by default none is', async () => {
  const clock = new FakeClock();
  const { work, calls } = failing(clock, 99);
  await assert.rejects(retry({ clock })(work)(), /failure 1/);
  await assert.rejects(retry({ exceptions: [TypeError], clock })(work)(), /failure 2/);
  assert.equal(calls.length, 2);
});

test('LC-655 without a count it retries for ever', async () => {
  const clock = new FakeClock();
  const { work, calls } = failing(clock, 500);
  const result = retry({ exceptions: [Passing], clock })(work)();
  await clock.advance(1e9);
  await result;
  assert.equal(calls.length, 501);
});

test('LC-656 LC-1924 each call has its own count and its own waits', async () => {
  const clock = new FakeClock();
  const calls: string[] = [];
  const wrapped = retry({ maxRetryCount: 1, exceptions: [Passing], clock })(async (name: string) => {
    calls.push(`${name}${clock.now() / 1000}`);
    throw new Passing('no');
  });
  for (let round = 0; round < 2; round++) {
    const both = Promise.all([assert.rejects(wrapped('a'), /no/), assert.rejects(wrapped('b'), /no/)]);
    await clock.advance(10_000);
    await both;
  }
  assert.deepEqual(calls, ['a0', 'b0', 'a10', 'b10', 'a10', 'b10', 'a20', 'b20']);
});

test('LC-657 as a method decorator, with a predicate, and ended by a signal', async () => {
  const clock = new FakeClock();
  class Client {
    readonly word = 'mine';
    calls = 0;
    @retry({ exceptions: (error) => (error as Error).message === 'busy', clock })
    async ask(question: string): Promise<string> {
      if (this.calls++ < 2) throw new Error('busy');
      return `${this.word} ${question}`;
    }
  }
  const client = new Client();
  const answer = client.ask('question');
  await clock.advance(1e6);
  assert.equal(await answer, 'mine question');
  assert.equal(client.calls, 3);

  const controller = new AbortController();
  const { work, calls } = failing(clock, 99);
  const ended = assert.rejects(retry({ exceptions: [Passing], signal: controller.signal, clock })(work)(), /failure 1/);
  await clock.advance(1);
  controller.abort();
  await ended;
  assert.equal(calls.length, 1);
  assert.equal(clock.pending, 0);
});

test('LC-651 RetryDecorator is the same, with new or without', async () => {
  const clock = new FakeClock();
  for (const decorate of [
    RetryDecorator({ exceptions: [Passing], clock }),
    new RetryDecorator({ exceptions: [Passing], clock }),
  ]) {
    const result = decorate(failing(clock, 1).work)('x');
    await clock.advance(1e6);
    assert.deepEqual(await result, ['x']);
  }
});
