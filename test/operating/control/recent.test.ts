/** Figures of the last minute in words. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Totals } from '../../../dist/metrics/index.js';
import { describeRecent, Recent } from '../../../dist/operating/control/recent.js';

const BOUNDS = [0.1, 1, 2.5, 5];

/** Returns the words for requests with these numbers by bucket. */
function words(counts: readonly number[]): string {
  const totals = new Totals(BOUNDS);
  const recent = new Recent(() => totals);
  totals.add('shop', { buckets: BOUNDS, series: [{ metric: 'durations', labels: ['GET', '/'], counts, sum: 1 }] });
  return describeRecent(recent.of('shop')!);
}

test('a duration above a second is told by the bounds of its bucket, a shorter one in milliseconds', () => {
  assert.match(words([100, 0, 0, 0, 0]), /, p95 95 ms$/);
  assert.match(words([0, 100, 0, 0, 0]), /, p95 955 ms$/);
  assert.match(words([1, 0, 99, 0, 0]), /, p95 1 to 2\.5 s$/);
  assert.match(words([1, 0, 0, 99, 0]), /, p95 2\.5 to 5 s$/);
  assert.match(words([1, 0, 0, 0, 99]), /, p95 above 5 s$/);
  assert.match(describeRecent({ rate: 1, failed: 0, p95: 3.2 }), /, p95 3200 ms$/);
});
