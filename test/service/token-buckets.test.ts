import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServiceBuckets, TokenBuckets } from '../../dist/service/token-buckets.js';

test('MW-20 a bucket gives its burst at once, then one a time, and forgets the longest idle key', () => {
  const buckets = new TokenBuckets({ rate: 2, burst: 3, maxKeys: 2 });
  const take = (key: string, now: number): boolean => buckets.take(key, now).granted;
  assert.deepEqual([take('a', 0), take('a', 0), take('a', 0), take('a', 0)], [true, true, true, false]);
  assert.equal(buckets.take('a', 0).waitMs, 500);
  assert.equal(take('a', 500), true);
  assert.equal(take('a', 500), false);
  assert.equal(take('b', 500), true);
  assert.equal(take('c', 500), true);
  assert.equal(take('a', 500), true, 'a was forgotten');
});

const rule = (id: string, more: object = {}) => ({ id, rate: 1, burst: 2, maxKeys: 1_000_000, ...more });

/** Takes one token. Returns the whole tokens left for the rule and the caller. */
function left(buckets: ServiceBuckets, asked: ReturnType<typeof rule>, key: string, now: number): number {
  return buckets.take(asked, key, 0, now).left;
}

test('rules and callers have separate buckets', () => {
  const buckets = new ServiceBuckets();
  const [one, other] = [rule('one'), rule('other', { rate: 10, burst: 5 })];
  const wanted = [
    [one, 'a'],
    [one, 'a'],
    [one, 'a'],
    [one, 'b'],
    [other, 'a'],
  ] as const;
  assert.deepEqual(
    wanted.map(([asked, key]) => Object.values(buckets.take(asked, key, 0, 0))),
    [
      [true, 0, 1, 1000],
      [true, 0, 0, 2000],
      [false, 1000, 0, 2000],
      [true, 0, 1, 1000],
      [true, 0, 4, 100],
    ],
  );
});

test('a rule is kept until its buckets are full again, whether or not anything still has it', () => {
  const buckets = new ServiceBuckets();
  assert.equal(left(buckets, rule('one'), 'a', 0), 1);
  buckets.sweep(999);
  assert.equal(left(buckets, rule('one'), 'a', 999), 0);
  left(buckets, rule('another'), 'a', 1999);
  assert.equal(buckets.size, 2);
  left(buckets, rule('next'), 'a', 2001);
  assert.equal(buckets.size, 2, 'a new rule drops those that are full');
  buckets.sweep(4000);
  assert.equal(buckets.size, 0);
});

test('however many rules and callers are made up, there is an end to what is kept', () => {
  const buckets = new ServiceBuckets();
  const forever = { rate: 1e-9 };
  for (let at = 0; at < 302; at++)
    for (let key = 0; key < 1000; key++) left(buckets, rule('many', forever), `${at}-${key}`, at);
  assert.equal(buckets.size, 300_000);
  for (let at = 0; at < 3000; at++) left(buckets, rule(`rule ${at}`, forever), 'a', 1000 + at);
  assert.equal(buckets.size, 1000);
});
