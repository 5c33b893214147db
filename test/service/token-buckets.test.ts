import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TokenBuckets } from '../../dist/service/token-buckets.js';

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
