/** Figures of the last minute in words. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Totals } from '../../../dist/counts/index.js';
import { describeFailing, describeRecent, Recent } from '../../../dist/operating/control/recent.js';

const BOUNDS = [0.1, 1, 2.5, 5];

/** Returns the words for requests with these numbers by bucket. */
function words(counts: readonly number[]): string {
  const totals = new Totals(BOUNDS);
  const recent = new Recent(() => totals);
  totals.add('shop', { buckets: BOUNDS, series: [{ metric: 'durations', labels: ['GET', '/'], counts, sum: 1 }] });
  return describeRecent(recent.of('shop')!);
}

test('a duration above a second is reported by the bounds of its bucket, a shorter one in milliseconds', () => {
  assert.match(words([100, 0, 0, 0, 0]), /, p95 95 ms$/);
  assert.match(words([0, 100, 0, 0, 0]), /, p95 955 ms$/);
  assert.match(words([1, 0, 99, 0, 0]), /, p95 1 to 2\.5 s$/);
  assert.match(words([1, 0, 0, 99, 0]), /, p95 2\.5 to 5 s$/);
  assert.match(words([1, 0, 0, 0, 99]), /, p95 above 5 s$/);
  assert.match(describeRecent({ rate: 1, failed: 0, p95: 3.2 }), /, p95 3200 ms$/);
});

test('calls that fail tell how most of them do', () => {
  const totals = new Totals(BOUNDS);
  const recent = new Recent(() => totals);
  const series = (['ok', 'timeout', 'no_servers'] as const).map((outcome, at) => {
    return {
      metric: 'callsMade' as const,
      labels: ['call', 'images', 'size', outcome],
      counts: [1 + (at % 2)],
      sum: 1,
    };
  });
  totals.add('shop', { buckets: BOUNDS, series });
  assert.match(describeRecent(recent.of('shop')!.calls.made!, 'calls'), /, 75 % fail \(timeout\), p95 /);
});

test('lines of the log that were lost count for a minute', () => {
  let lost = 3;
  const recent = new Recent(
    () => new Totals(BOUNDS),
    () => lost,
  );
  assert.equal(recent.lostLines(), 0);
  lost = 10;
  for (const left of [7, 7, 7, 7, 0]) {
    assert.equal(recent.lostLines(), left);
    recent.take();
  }
});

test('requests that fail, and clients that give up, are a problem if they are many, as for the alerts', () => {
  const recent = { rate: 2, failed: 0.26, gaveUp: 0.41, p95: 1 };
  assert.equal(describeFailing(recent), '26 % of the requests of the last minute fail, 41 % gave up (499)');
  assert.equal(describeFailing({ ...recent, failed: 0.02 }), '41 % of the requests of the last minute gave up (499)');
  assert.equal(describeFailing({ ...recent, gaveUp: 0.1 }), '26 % of the requests of the last minute fail');
  assert.equal(describeFailing({ ...recent, failed: 0.02, gaveUp: 0.1 }), undefined);
  assert.equal(describeFailing({ ...recent, rate: 0.1 }), undefined);
  assert.equal(describeFailing(undefined), undefined);
});
