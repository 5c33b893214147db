/** The errors of failed requests, as workers tell them and their parent keeps them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FailedRequests, RecentFailures, Totals } from '../../dist/metrics/index.js';

const failure = (error: string, given: Partial<FailedRequests> = {}): FailedRequests => ({
  route: 'GET /books/{id}',
  error,
  place: 'app.js:1',
  count: 1,
  at: '2026-01-01T00:00:00.000Z',
  requestId: 'req-1',
  ...given,
});

test('the parent adds up what its workers tell, and has the last request', () => {
  const totals = new Totals([]);
  const told = (failures: readonly FailedRequests[]) => totals.add('shop', { buckets: [], series: [], failures });
  told([failure('Error: one', { count: 2 }), failure('Error: two', { count: 4 })]);
  told([failure('Error: one', { count: 3, requestId: 'req-2' })]);
  assert.deepEqual(
    totals.failuresOf('shop').map(({ error, count, requestId }) => [error, count, requestId]),
    [
      ['Error: one', 5, 'req-2'],
      ['Error: two', 4, 'req-1'],
    ],
  );
  assert.deepEqual(totals.failuresOf('other'), []);
});

test('twenty errors are kept for ten minutes, those that came last', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 0 });
  const recent = new RecentFailures();
  for (let at = 0; at < 25; at++) recent.add(failure(`Error: ${at}`));
  assert.equal(recent.list.length, 20);
  assert.ok(recent.list.every(({ error }) => Number(error.slice(7)) >= 5));
  t.mock.timers.setTime(9 * 60_000);
  recent.add(failure('Error: 24'));
  assert.equal(recent.list[0]!.count, 2);
  t.mock.timers.setTime(12 * 60_000);
  assert.deepEqual(
    recent.list.map(({ error, count }) => [error, count]),
    [['Error: 24', 1]],
  );
});

test('what was taken is not taken again', () => {
  const recent = new RecentFailures();
  recent.add(failure('Error: one'));
  assert.equal(recent.take().length, 1);
  assert.deepEqual(recent.take(), []);
});
