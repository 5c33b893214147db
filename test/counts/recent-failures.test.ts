/** The errors of failed requests, as workers tell them and their parent keeps them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FailedRequests, Totals } from '../../dist/counts/index.js';
import { RecentFailures } from '../../dist/counts/recent-failures.js';

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
  told([failure('Error: one', { count: 2 }), failure('Error: two', { count: 4, at: '2026-01-01T00:00:01.000Z' })]);
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

test('the most frequent and the last error of each route are listed, twenty at most, for ten minutes', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 0 });
  const recent = new RecentFailures();
  const add = (error: string, count: number) => recent.add(failure(error, { count, at: new Date().toISOString() }));
  add('Error: often', 5);
  add('Error: between', 2);
  t.mock.timers.setTime(9 * 60_000);
  add('Error: last', 1);
  const listed = () => recent.list.map(({ error, count }) => [error, count]);
  assert.deepEqual(listed(), [
    ['Error: often', 5],
    ['Error: last', 1],
  ]);
  t.mock.timers.setTime(12 * 60_000);
  assert.deepEqual(listed(), [['Error: last', 1]]);
  for (let at = 0; at < 25; at++) recent.add(failure('Error: one', { route: `GET /${at}` }));
  assert.equal(recent.list.length, 20);
});

test('OP-1 routes that fail in turn keep their counts, and a rare error makes room before a frequent one', () => {
  const recent = new RecentFailures();
  for (let times = 0; times < 40; times++)
    for (let at = 0; at < 25; at++) recent.add(failure('Error: one', { route: `GET /${at}` }));
  assert.deepEqual(new Set(recent.list.map(({ count }) => count)), new Set([40]));
  for (let at = 0; at < 1000; at++) recent.add(failure(`Error: ${at}`, { route: 'GET /many' }));
  const taken = recent.take();
  assert.equal(taken.length, 300);
  assert.equal(taken.filter(({ count }) => count === 40).length, 25);
  assert.ok(taken.some(({ error }) => error === 'Error: 999'));
});

test('what was taken is not taken again', () => {
  const recent = new RecentFailures();
  recent.add(failure('Error: one'));
  assert.equal(recent.take().length, 1);
  assert.deepEqual(recent.take(), []);
});
