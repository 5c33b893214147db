/** An API whose workers repeatedly exit at their start. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { type FaultFleet, faultFleet } from './fault-fleet.js';
import { describeLosses, seconds as inSeconds, isLong, printFigures } from './figures.js';
import { askFor, Load } from './load.js';
import { pause, until } from './target.js';

const watchedMs = isLong ? 20_000 : 4_000;
const workers = 2;

test('RL-61 RL-4 LC-321 LC-323 a crash loop starts about one worker a second, other APIs are untouched, and it heals by itself', async (t) => {
  const fleet = await faultFleet(t, { workers, frail: true });
  const frail = pidsOf(fleet, 'frail');
  const steady = pidsOf(fleet, 'hello');
  const load = new Load(fleet, { kept: 4, fresh: 4 });
  await load.more(50);
  writeFileSync(fleet.frailFile, '');
  const begun = performance.now();
  for (const pid of frail) process.kill(pid, 'SIGKILL');
  await pause(watchedMs);
  assert.ok(await until(() => fleet.events('worker_exited').some(({ code }) => code === 7)), 'there is a crash loop');
  const seconds = (performance.now() - begun) / 1000;
  // Without the two killed workers, every exit is a failed start.
  const failed = fleet.events('worker_exited').filter(({ service }) => service === 'frail').length - workers;
  rmSync(fleet.frailFile);
  const healedFrom = performance.now();
  await askFor(`${fleet.frailUrl}/`);
  const healed = performance.now() - healedFrom;
  await load.more(50);
  await load.stop();
  const rate = Math.max(0, failed - workers - 1) / seconds;
  printFigures('crash loop', {
    'seconds watched': seconds.toFixed(1),
    'failed starts': failed,
    'a second after the free ones': rate.toFixed(2),
    'answered by the other API': load.total,
    lost: describeLosses(load.lost),
    'healed after': inSeconds(healed),
  });
  assert.ok(rate <= 1.2, `${rate} starts a second`);
  assert.deepEqual(load.lost, []);
  assert.ok(await fleet.settled(2 * workers));
  assert.deepEqual(pidsOf(fleet, 'hello'), steady, 'the workers of the other API are the same');
});

/** The pids of a service's workers, in the order they became ready. */
function pidsOf(fleet: FaultFleet, name: string): number[] {
  return fleet
    .events('worker_ready')
    .filter(({ service }) => service === name)
    .map(({ pid }) => pid as number);
}
