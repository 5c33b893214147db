/** Workers that no longer answer though they live. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FaultFleet } from './fault-fleet.js';
import { describeLosses, describeTimes, isLong, printFigures } from './figures.js';
import { stuck } from './rows.js';

const timeout = isLong ? 3 : 2;

for (const [how, title] of [
  ['spin', 'computes for ever'],
  ['freeze', 'is frozen by SIGSTOP'],
] as const) {
  test(`RL-62 a worker that ${title} is replaced after worker_timeout, and at most 2 requests are lost`, async (t) => {
    const fleet = await FaultFleet.start({ options: { 'DEFAULT.worker_timeout': String(timeout) } });
    t.after(() => fleet.end());
    const { answered, lost, times } = await stuck(fleet, how, 60_000);
    printFigures(`worker ${title}`, {
      worker_timeout: `${timeout} s`,
      answered,
      lost: describeLosses(lost),
      'until it is killed': describeTimes(times),
    });
    assert.equal(times.length, 1, 'it is ended');
    assert.ok(lost.length <= 2, describeLosses(lost));
    assert.ok(await fleet.settled(2));
    const hung = fleet.events('worker_hung');
    assert.equal(hung.length, 1, fleet.text());
    if (how === 'spin') assert.match(String(hung[0]?.stack), /app\.js/);
  });
}
