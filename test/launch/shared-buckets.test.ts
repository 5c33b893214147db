/** Buckets that workers share. Taking tokens from workers is tested in `e2e/rate-limit`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { giveBackEach, ParentBuckets, takeEach } from '../../dist/launch/shared-buckets.js';
import { ServiceBuckets, type Taken } from '../../dist/service/token-buckets.js';
import { Random } from '../simulation/random.js';

const rule = (id: string, more: object = {}) => ({ id, rate: 1, burst: 2, maxKeys: 1_000_000, ...more });

test('WD-6 a worker has one question in flight, and the next one has all takes that came meanwhile', async () => {
  const parent = new ServiceBuckets();
  const limit = rule('one', { rate: 1e-6, burst: 10 });
  const asked: (() => void)[] = [];
  const sizes: number[] = [];
  const worker: ParentBuckets = new ParentBuckets((message) => {
    assert.ok(message.kind === 'take');
    sizes.push(message.takes.length);
    const taken = takeEach(parent, message.takes, 0);
    asked.push(() => worker.answered(taken));
  });
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const first = worker.take(limit, 'a', 0);
  await turn();
  const others = [worker.take(limit, 'b', 0), worker.take(limit, 'c', 0)];
  await turn();
  assert.equal(asked.length, 1);
  asked.shift()!();
  assert.equal((await first).granted, true);
  await turn();
  asked.shift()!();
  for (const each of others) assert.equal((await each).granted, true);
  assert.deepEqual(sizes, [1, 2]);
});

test('AU-5 however late the parent responds, workers grant no more than the bucket has, and refused requests cost no token', async (t) => {
  let now = 0;
  t.mock.timers.enable({ apis: ['setTimeout'] });
  // A mocked method keeps a record of each call.
  const { now: real } = performance;
  performance.now = () => now;
  t.after(() => {
    performance.now = real;
  });
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  for (let seed = 1; seed <= 24; seed++) {
    const random = new Random(seed);
    const [parent, start] = [new ServiceBuckets(), now];
    const limit = rule('late', { rate: random.pick([1e-9, 5]), burst: random.pick([3, 80, 800]) });
    const late: (() => void)[] = [];
    const workers = Array.from({ length: random.pick([1, 4]) }, () => {
      const made: ParentBuckets = new ParentBuckets((message) => {
        if (message.kind === 'giveBack') return void late.push(() => giveBackEach(parent, message.takes));
        assert.ok(message.kind === 'take');
        // The question waits in the parent, then the response in the worker.
        late.push(() => {
          const taken = takeEach(parent, message.takes, now);
          if (random.chance(0.5)) made.answered(taken);
          else late.push(() => made.answered(taken));
        });
      });
      return made;
    });
    let granted = 0;
    const count = ({ granted: one }: Taken): void => {
      granted += Number(one);
      assert.ok(granted <= limit.burst + (limit.rate * (now - start)) / 1000, `seed ${seed}: ${granted} at ${now} ms`);
    };
    const step = async (ms: number): Promise<void> => {
      now += ms;
      t.mock.timers.tick(ms);
      await turn();
      await turn();
    };
    for (let steps = 0; steps < 150; steps++) {
      for (let takes = random.below(30); takes > 0; takes--) {
        const taken = random.pick(workers).take(limit, 'a', 0);
        if ('then' in taken) void taken.then(count);
        else count(taken);
      }
      if (random.chance(0.3)) for (const deliver of late.splice(0)) deliver();
      await step(random.pick([0, 10, 400, 1100]));
    }
    // The parent is quick again.
    for (let steps = 0; steps < 60; steps++) {
      const taken = random.pick(workers).take(limit, 'a', 0);
      if ('then' in taken) void taken.then(count);
      else count(taken);
      while (late.length > 0) for (const deliver of late.splice(0)) deliver();
      await step(250);
    }
    for (let steps = 0; steps < 900 && limit.rate < 1 && granted < limit.burst; steps++) {
      for (const worker of workers) void Promise.resolve(worker.take(limit, 'a', 0)).then(count);
      await turn();
      while (late.length > 0) for (const deliver of late.splice(0)) deliver();
      await step(250);
    }
    if (limit.rate < 1) assert.equal(granted, limit.burst, `seed ${seed}`);
    for (const deliver of late.splice(0)) deliver();
  }
});
