/** One or all workers are killed: the effect on clients. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startedOnce, untilFileEnds } from '../program.js';
import { faultFleet } from './fault-fleet.js';
import { describeLosses, describeTimes, isLong, printFigures } from './figures.js';
import { askFor } from './load.js';
import { killAll, kills } from './rows.js';

const rounds = isLong ? 10 : 2;
const clients = 8;
const file = untilFileEnds();
const running = startedOnce(async () => {
  return await faultFleet(file, { workers: 2 });
});

test(`RL-60 PT-4 LC-326 SIGKILL of single workers, ${rounds} times, costs what each had in hand, and no connection is refused`, async () => {
  const fleet = await running();
  const { answered, lost, times } = await kills(fleet, rounds, clients);
  printFigures('kills of single workers', {
    kills: rounds,
    answered,
    lost: describeLosses(lost),
    'until the replacement answers': describeTimes(times),
  });
  assert.equal(times.length, rounds);
  assert.ok(!lost.some((loss) => /REFUSED|STATUS/.test(loss)), describeLosses(lost));
  assert.ok(lost.length <= rounds * clients, describeLosses(lost));
  assert.ok(await fleet.settled(2));
  assert.equal(fleet.events('worker_exited').length, rounds, 'no other worker ended');
});

test('RL-63 PT-2 LC-329 with all workers killed at once no connection is refused, and the next ones respond', async () => {
  const fleet = await running();
  const { answered, lost, times } = await killAll(fleet, clients);
  printFigures('all workers killed', {
    answered,
    lost: describeLosses(lost),
    'until a replacement answers': describeTimes(times),
  });
  assert.equal(times.length, 1);
  assert.ok(!lost.some((loss) => /REFUSED|STATUS/.test(loss)), describeLosses(lost));
  assert.ok(lost.length <= clients, 'what the workers had in hand, at most one request of each client');
  assert.ok(await fleet.settled(2));
  await Promise.all(Array.from({ length: 20 }, () => askFor(`${fleet.url}/`)));
});
