import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Distribution } from '../../dist/metrics/index.js';

test('a value counts in the first bucket whose bound it does not pass, the last one has the rest', () => {
  const values = new Distribution([0.1, 1]);
  for (const value of [0, 0.1, 0.2, 1, 5]) values.observe(value);
  assert.deepEqual(values.counts, [2, 2, 1]);
  assert.equal(values.sum, 6.3);
});

test('what was counted by other bounds is added so that common bounds stay true', () => {
  const values = new Distribution([0.1, 0.5, 1]);
  values.add([0.1, 1], [3, 4, 5], 20);
  assert.deepEqual(values.counts, [3, 0, 4, 5]);
  values.add([0.05, 2], [1, 1, 1], 4);
  assert.deepEqual(values.counts, [4, 0, 4, 7]);
  assert.equal(values.sum, 24);
});
