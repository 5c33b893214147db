/** Buckets that workers share. Taking tokens from workers is tested in `e2e/rate-limit`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ParentBuckets, ServiceBuckets } from '../../dist/launch/shared-buckets.js';
import { TokenLots } from '../../dist/launch/token-lots.js';

const rule = (id: string, more: object = {}) => ({ id, rate: 1, burst: 2, maxKeys: 1_000_000, ...more });

/** Takes one token. Returns the whole tokens left for the rule and the caller. */
function left(buckets: ServiceBuckets, asked: ReturnType<typeof rule>, key: string, now: number): number {
  return buckets.exchange([[asked, key, 0]], [], now, 2).taken[0]![1];
}

test('rules and callers have buckets of their own', () => {
  const buckets = new ServiceBuckets();
  const [one, other] = [rule('one'), rule('other', { rate: 10, burst: 5 })];
  const takes = [
    [one, 'a', 0],
    [one, 'a', 0],
    [one, 'a', 0],
    [one, 'b', 0],
    [other, 'a', 0],
  ] as const;
  assert.deepEqual(buckets.exchange(takes, [], 0, 2).taken, [
    [0, 1, 1000],
    [0, 0, 2000],
    [1000, 0, 2000],
    [0, 1, 1000],
    [0, 4, 100],
  ]);
});

test('a rule is kept until its buckets are full again, whether or not workers still have it', () => {
  const buckets = new ServiceBuckets();
  assert.equal(left(buckets, rule('one'), 'a', 0), 1);
  buckets.sweep(999);
  assert.equal(left(buckets, rule('one'), 'a', 999), 0);
  buckets.sweep(1999);
  assert.equal(buckets.size, 1);
  buckets.sweep(2001);
  assert.equal(buckets.size, 0);
});

test('however many rules and callers a worker makes up, there is an end to what the parent keeps', () => {
  const buckets = new ServiceBuckets();
  const forever = { rate: 1e-9 };
  for (let at = 0; at < 302; at++) {
    const takes = Array.from({ length: 1000 }, (_, key) => [rule('many', forever), `${at}-${key}`, 0] as const);
    buckets.exchange(takes, [], at, 2);
  }
  assert.equal(buckets.size, 300_000);
  for (let at = 0; at < 3000; at++) left(buckets, rule(`rule ${at}`, forever), 'a', 1000 + at);
  assert.equal(buckets.size, 1000);
});

test('WD-6 the only worker gets what is left and says what it took, one of several gets nothing', () => {
  const buckets = new ServiceBuckets();
  const wide = rule('wide', { rate: 10, burst: 100 });
  const ask = (used: number, now: number, workers: number) =>
    buckets.exchange([[wide, 'a', 0]], used === 0 ? [] : [[wide, 'a', used]], now, workers);
  assert.deepEqual(ask(0, 0, 2), { taken: [[0, 99, 100]], isAlone: false });
  assert.deepEqual(ask(0, 100_000, 1), { taken: [[0, 99, 100]], isAlone: true });
  assert.equal(ask(40, 100_000, 1).taken[0]![1], 58);
});

test('WD-6 the only worker fills its buckets itself, until it is not alone any more', () => {
  const lots = new TokenLots();
  const slow = rule('slow', { rate: 1, burst: 2 });
  lots.add(slow, 'a', 1, 0);
  const granted = [0, 10, 1000, 1010].map((now) => lots.take(slow, 'a', now, 0)!.granted);
  assert.deepEqual(granted, [true, false, true, false]);
  assert.equal(lots.take(slow, 'a', 1020, 5000)?.granted, true);
  assert.deepEqual(lots.changes(10), [[slow, 'a', 3]]);
  lots.take(slow, 'a', 9000, 0);
  lots.share();
  assert.equal(lots.take(slow, 'a', 9001, 0), undefined);
  assert.deepEqual(lots.changes(10), [[slow, 'a', 1]]);
});

test('WD-6 a worker that is alone waits for its parent once for each caller, and no other worker exceeds the limit', async () => {
  const parent = new ServiceBuckets();
  const limit = rule('one', { rate: 1e-6, burst: 10 });
  let questions = 0;
  const workers = [0, 1].map((at) => {
    const made: ParentBuckets = new ParentBuckets((message) => {
      assert.ok(message.kind === 'take');
      questions += 1;
      const { taken, isAlone } = parent.exchange(message.takes, message.used, 0, at + 1);
      queueMicrotask(() => made.answered(taken, isAlone));
    });
    return made;
  });
  const [alone, other] = workers as [ParentBuckets, ParentBuckets];
  const granted: unknown[] = [];
  for (let taken = 0; taken < 6; taken++) granted.push((await alone.take(limit, 'a', 0))?.granted);
  assert.deepEqual([granted.every(Boolean), questions], [true, 1]);
  // A question about another caller brings along what was taken.
  await alone.take(limit, 'b', 0);
  const rest: unknown[] = [];
  for (let taken = 0; taken < 6; taken++) rest.push((await other.take(limit, 'a', 0))?.granted);
  assert.deepEqual(rest, [true, true, true, true, false, false]);
});

test('WD-6 a worker has one question in flight, also when its report of taken tokens comes before a planned question', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const parent = new ServiceBuckets();
  const limit = rule('one', { rate: 1e-6, burst: 10 });
  const asked: (() => void)[] = [];
  const worker: ParentBuckets = new ParentBuckets((message) => {
    assert.ok(message.kind === 'take');
    const { taken, isAlone } = parent.exchange(message.takes, message.used, 0, 1);
    asked.push(() => worker.answered(taken, isAlone));
  });
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const first = worker.take(limit, 'a', 0);
  await turn();
  asked.shift()!();
  assert.equal((await first)?.granted, true);
  // Its own tokens, which it reports after a quarter of a second.
  assert.equal((await worker.take(limit, 'a', 0))?.granted, true);
  const second = worker.take(limit, 'b', 0);
  t.mock.timers.tick(250);
  const third = [worker.take(limit, 'c', 0), worker.take(limit, 'd', 0)];
  await turn();
  assert.equal(asked.length, 1);
  asked.shift()!();
  assert.equal((await second)?.granted, true);
  await turn();
  asked.shift()!();
  for (const each of third) assert.equal((await each)?.granted, true);
});
