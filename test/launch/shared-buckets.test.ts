/** Buckets that workers share. Taking tokens from workers is tested in `e2e/rate-limit`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { LentTokens, ParentBuckets, ServiceBuckets, TokenLots } from '../../dist/launch/shared-buckets.js';
import type { Take, TokenQuestion } from '../../dist/launch/worker-message.js';
import { type Taken, TokenBuckets } from '../../dist/service/token-buckets.js';
import { Random } from '../simulation/random.js';

const rule = (id: string, more: object = {}) => ({ id, rate: 1, burst: 2, maxKeys: 1_000_000, ...more });

const takes = (...wanted: readonly Take[]): TokenQuestion => ({ takes: wanted, used: [], settled: [] });

/** Takes one token. Returns the whole tokens left for the rule and the caller. */
function left(buckets: ServiceBuckets, asked: ReturnType<typeof rule>, key: string, now: number): number {
  return buckets.exchange(takes([asked, key, 0]), now, 2).taken[0]![1];
}

test('rules and callers have separate buckets', () => {
  const buckets = new ServiceBuckets();
  const [one, other] = [rule('one'), rule('other', { rate: 10, burst: 5 })];
  const wanted = takes([one, 'a', 0], [one, 'a', 0], [one, 'a', 0], [one, 'b', 0], [other, 'a', 0]);
  assert.deepEqual(buckets.exchange(wanted, 0, 2).taken, [
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
    const wanted = Array.from({ length: 1000 }, (_, key) => [rule('many', forever), `${at}-${key}`, 0] as const);
    buckets.exchange(takes(...wanted), at, 2);
  }
  assert.equal(buckets.size, 300_000);
  for (let at = 0; at < 3000; at++) left(buckets, rule(`rule ${at}`, forever), 'a', 1000 + at);
  assert.equal(buckets.size, 1000);
});

test('WD-6 the only worker gets what is left and says what it took, one of several borrows a part', () => {
  const buckets = new ServiceBuckets();
  const wide = rule('wide', { rate: 10, burst: 100 });
  const ask = (used: number, now: number, workers: number) =>
    buckets.exchange({ ...takes([wide, 'a', 0]), used: used === 0 ? [] : [[wide, 'a', used]] }, now, workers);
  assert.deepEqual(ask(0, 0, 2), { taken: [[0, 99, 100, { id: 1, tokens: 6 }]], isAlone: false });
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
      const { taken, isAlone } = parent.exchange(message, 0, at + 1);
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
    const { taken, isAlone } = parent.exchange(message, 0, 1);
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

const lent: Taken = { granted: true, waitMs: 0, left: 99, resetMs: 10 };

test('WD-6 a worker takes lent tokens until they are used or their time is over, and returns the rest', () => {
  const wide = rule('wide', { rate: 100, burst: 100 });
  const worker = new LentTokens();
  worker.add(wide, 'a', { id: 7, tokens: 2 }, 0, lent);
  assert.deepEqual(worker.take(wide, 'a', 5), { granted: true, waitMs: 0, left: 98, resetMs: 15 });
  assert.equal(worker.take(wide, 'b', 5), undefined);
  assert.equal(worker.take(wide, 'a', 999)?.left, 97);
  assert.equal(worker.take(wide, 'a', 999), undefined);
  worker.add(wide, 'a', { id: 8, tokens: 4 }, 1000, lent);
  worker.take(wide, 'a', 1500);
  assert.deepEqual(worker.settled(10, 1999), [[7, 0]]);
  assert.equal(worker.take(wide, 'a', 2000), undefined);
  assert.deepEqual(worker.settled(10, 2000), [[8, 3]]);
});

test('WD-6 a loan that is never settled counts as used, and a late settlement changes nothing', () => {
  const parent = new ServiceBuckets();
  const once = rule('once', { rate: 1e-9, burst: 100 });
  const at = (now: number, settled: TokenQuestion['settled'] = []) =>
    parent.exchange({ ...takes([once, 'a', 0]), settled }, now, 2).taken[0]!;
  assert.deepEqual(at(0)[3], { id: 1, tokens: 6 });
  assert.deepEqual(at(10, [[1, 6]]).slice(0, 2), [0, 98]);
  at(4000);
  parent.sweep(4000);
  const [, left] = at(20_000, [[2, 5]]);
  assert.ok(left < 98 - 5, String(left));
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
        assert.ok(message.kind === 'take');
        // The question waits in the parent, then the response in the worker.
        late.push(() => {
          const { taken, isAlone } = parent.exchange(message, now, workers.length);
          if (random.chance(0.5)) made.answered(taken, isAlone);
          else late.push(() => made.answered(taken, isAlone));
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
      for (const worker of workers) {
        const taken = worker.take(limit, 'a', 0);
        if ('then' in taken) void taken.then(count);
        else count(taken);
      }
      await turn();
      while (late.length > 0) for (const deliver of late.splice(0)) deliver();
      await step(250);
    }
    // A loan that is settled later than after three seconds counts as used.
    const lendable = workers.length === 1 ? 0 : limit.burst / 4;
    if (limit.rate < 1) assert.ok(granted >= limit.burst - lendable, `seed ${seed}: ${granted} of ${limit.burst}`);
    for (const each of workers) each.share();
    for (const deliver of late.splice(0)) deliver();
  }
});

/** One worker of a random walk. */
interface Walker {
  readonly lots: TokenLots;
  readonly lent: LentTokens;
  isAlone: boolean;
  reportsAt: number;
}

/**
 * Workers take tokens at random; if the walk `changes`, they start, report late, and end without a report. Each grant is compared with one
 * exact bucket; without changes, so is each refusal. Returns the numbers of questions and of takes.
 */
function walk(seed: number, { burst, changes }: { readonly burst: number; readonly changes: boolean }) {
  const random = new Random(seed);
  const limit = rule('walk', { rate: random.pick([1, 20, 500]), burst });
  const [parent, exact] = [new ServiceBuckets(), new TokenBuckets(limit)];
  const join = (): Walker => ({ lots: new TokenLots(), lent: new LentTokens(), isAlone: false, reportsAt: 0 });
  const workers = changes ? [join()] : [join(), join(), join()];
  let [now, rush] = [0, 0];
  const counts = { questions: 0, takes: 0 };
  const exchange = (worker: Walker, wanted: readonly Take[]) => {
    const used = worker.lots.changes(1000);
    const settled = worker.lent.settled(1000, now);
    worker.reportsAt = now + (changes ? random.pick([250, 250, 5000]) : 250);
    const { taken, isAlone } = parent.exchange({ takes: wanted, used, settled }, now, workers.length);
    if (!isAlone) worker.lots.share();
    return { taken: taken[0], isAlone };
  };
  for (let step = 0; step < 3000; step++) {
    // Rushes, each long enough for all that there is, and rests in which buckets fill again.
    if (rush > 0) rush -= 1;
    else {
      now += Number(random.weighted({ 0: 10, 1: 5, 20: 3, 300: 2 }));
      if (random.chance(0.02)) rush = Math.min(500, 2 * burst);
    }
    for (const each of workers) if (each.reportsAt <= now) exchange(each, []);
    if (changes && random.chance(0.01)) {
      for (const each of workers) {
        each.lots.share();
        exchange(each, []);
      }
      workers.push(join());
    }
    if (changes && workers.length > 1 && random.chance(0.01)) workers.splice(random.below(workers.length), 1);
    const worker = random.pick(workers);
    const key = random.pick(['a', 'a', 'b']);
    counts.takes += 1;
    const own = worker.lots.take(limit, key, now, 0) ?? worker.lent.take(limit, key, now);
    let granted = own?.granted;
    if (own === undefined) {
      counts.questions += 1;
      const { taken, isAlone } = exchange(worker, [[limit, key, 0]]);
      const [waitMs, left, resetMs, loan] = taken!;
      granted = waitMs === 0;
      if (isAlone) worker.lots.add(limit, key, left, now);
      else if (loan !== undefined) worker.lent.add(limit, key, loan, now, { granted, waitMs, left, resetMs });
    }
    // Sums of fractions differ in their last digits.
    const model = exact.take(key, now, 0.001);
    if (granted) assert.ok(model.granted, `seed ${seed}: a token too much at ${now} ms`);
    else if (model.granted) {
      exact.spend(key, -1, now);
      assert.ok(changes || model.left < burst / 8, `seed ${seed}: ${model.left} tokens are missing at ${now} ms`);
    }
  }
  return counts;
}

test('WD-6 however workers borrow, return, end and start, they never grant more than one exact bucket would', async () => {
  for (let seed = 1; seed <= 60; seed++) {
    // The process of the tests must show that it lives.
    await turn();
    const burst = [3, 40, 200, 5000][seed % 4]!;
    const changes = seed % 3 !== 0;
    const { questions, takes: all } = walk(seed, { burst, changes });
    if (burst === 5000 && !changes) assert.ok(questions < all / 4, `seed ${seed}: ${questions} of ${all}`);
  }
});
