/** Reloads under requests from clients of every kind. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultFleet } from './fault-fleet.js';
import { describeLosses, describeTimes, isLong, printFigures } from './figures.js';
import { reloads } from './rows.js';
import { until } from './target.js';

const rounds = isLong ? 20 : 1;
/** Some of each kind; the long run has twice as many. */
const some = isLong ? 2 : 1;

test(`RL-65 PT-3 PT-5 LC-515 LC-524 LC-1015 LC-1609 reloads under load, ${rounds} of them (kept, fresh, slow, large, TLS) lose no request, and each is applied; old workers end with 0 once successors with their ids are ready`, async (t) => {
  const fleet = await faultFleet(t, { secure: true });
  const kinds = { kept: 4 * some, fresh: 4 * some, slow: 2 * some, large: some, tlsKept: 2 * some, tlsFresh: some };
  const { answered, lost, times, applied } = await reloads(fleet, rounds, kinds);
  printFigures('reloads', {
    reloads: rounds,
    applied,
    answered,
    lost: describeLosses(lost),
    'until the new generation answers': describeTimes(times),
  });
  assert.deepEqual(lost, []);
  assert.equal(applied, rounds, fleet.text());
  const outcomes = fleet.events('reload').map(({ outcome }) => outcome);
  assert.deepEqual(outcomes, outcomes.fill('accepted'));

  assert.ok(await fleet.settled(4));
  assert.ok(await until(() => fleet.events('worker_exited').length === 4 * rounds));
  const ready = { hello: [] as unknown[], secure: [] as unknown[] };
  for (const { event, service, workerId, code } of fleet.lines()) {
    const ids = ready[service as keyof typeof ready];
    if (event === 'worker_ready') ids.push(workerId);
    if (event !== 'worker_exited') continue;
    ids.splice(ids.indexOf(workerId), 1);
    assert.equal(code, 0);
    assert.deepEqual(new Set(ids), new Set([0, 1]));
  }
});
