/** The busiest clients are found without a counter for each client. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BusiestClients } from '../../dist/counts/busiest-clients.js';

test('NI-9 a client with many requests is found among thousands, for half to a whole minute', () => {
  const clients = new BusiestClients();
  const begun = performance.now();
  for (let request = 0; request < 10_000; request++)
    clients.note(request % 3 === 0 ? '192.0.2.7' : `client ${request}`, begun);
  const { total, busiest } = clients.read(begun);
  assert.equal(total, 10_000);
  const [address, count] = busiest[0]!;
  assert.equal(address, '192.0.2.7');
  // At least its surplus over a 64th of all.
  assert.ok(count >= 3334 - 10_000 / 64 && count <= 3334, String(count));

  assert.equal(clients.read(begun + 30_001).busiest[0]![0], '192.0.2.7');
  clients.note('198.51.100.1', begun + 50_000);
  assert.deepEqual(clients.read(begun + 61_000), { total: 1, busiest: [['198.51.100.1', 1]] });
  assert.deepEqual(clients.read(begun + 200_000), { total: 0, busiest: [] });
});
