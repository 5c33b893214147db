/** Refused requests of the last ten minutes, and the addresses that most of them came from. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecentRefusals } from '../../dist/counts/index.js';

const AT = '2026-01-01T00:00:00.000Z';
const MINUTE_MS = 60_000;

const refused = (reason: string, addresses: readonly (readonly [string, number])[], status = 400) => ({
  reason,
  status,
  at: AT,
  addresses,
  count: addresses.reduce((sum, [, count]) => sum + count, 0),
});

test('OP-51 refusals are counted by reason for ten minutes, with the most frequent address', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 0 });
  const recent = new RecentRefusals();
  recent.add(
    refused('malformed', [
      ['192.0.2.1', 2],
      ['192.0.2.2', 1],
    ]),
  );
  t.mock.timers.tick(9 * MINUTE_MS);
  recent.add(refused('malformed', [['192.0.2.2', 4]]));
  recent.add(refused('rate limit', [], 429));
  recent.add({ ...refused('rate limit', [], 429), count: 9 });
  assert.deepEqual(recent.list, [
    { reason: 'rate limit', status: 429, count: 9, at: AT, address: undefined },
    { reason: 'malformed', status: 400, count: 7, at: AT, address: '192.0.2.2' },
  ]);
  t.mock.timers.tick(MINUTE_MS);
  assert.deepEqual(
    recent.list.map(({ reason, count }) => [reason, count]),
    [
      ['rate limit', 9],
      ['malformed', 4],
    ],
  );
  t.mock.timers.tick(10 * MINUTE_MS);
  assert.deepEqual(recent.list, []);
});

test('an attack from many addresses keeps a bounded number, and the frequent one among them', () => {
  const recent = new RecentRefusals();
  for (let at = 0; at < 5000; at++) {
    recent.add(refused('malformed', [[`198.51.100.${at}`, 1]]));
    if (at % 4 === 0) recent.add(refused('malformed', [['192.0.2.7', 1]]));
  }
  const [{ addresses, count } = { addresses: [], count: 0 }] = recent.take();
  assert.deepEqual([addresses.length, addresses[0]?.[0], count], [5, '192.0.2.7', 6250]);
  assert.deepEqual(recent.take(), []);
});
