/** Buckets that workers share. Taking tokens from workers is tested in `e2e/rate-limit`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServiceBuckets } from '../../dist/launch/shared-buckets.js';

const rule = (id: string, more: object = {}) => ({ id, rate: 1, burst: 2, maxKeys: 1_000_000, ...more });

/** Takes one token. Returns the whole tokens left for the rule and the caller. */
function left(buckets: ServiceBuckets, asked: ReturnType<typeof rule>, key: string, now: number): number {
  return buckets.take([[asked, key, 0]], now)[0]![1];
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
  assert.deepEqual(buckets.take(takes, 0), [
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
    buckets.take(takes, at);
  }
  assert.equal(buckets.size, 300_000);
  for (let at = 0; at < 3000; at++) left(buckets, rule(`rule ${at}`, forever), 'a', 1000 + at);
  assert.equal(buckets.size, 1000);
});
