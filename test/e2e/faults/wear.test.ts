/** Many reloads and many kills: nothing accumulates in the parent. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { type FaultFleet, faultFleet } from './fault-fleet.js';
import { isLong, printFigures } from './figures.js';
import { askFor } from './load.js';
import { descriptorsOf, listenersOf, memoryOf, until, zombiesOf } from './target.js';

const reloads = isLong ? 50 : 3;
const kills = isLong ? 100 : 4;
const workers = isLong ? 2 : 1;

interface Belongings {
  readonly descriptors: number;
  readonly listeners: number;
  readonly processes: number;
  readonly zombies: number;
}

test(`RL-74 PT-11 ${reloads} reloads and ${kills} kills leave no descriptor, listener or process, and memory level`, async (t) => {
  const fleet = await faultFleet(t, { workers });
  const reload = async (word: string): Promise<void> => {
    const done = fleet.events('reload').length;
    const exited = fleet.events('worker_exited').length;
    fleet.reload(word);
    assert.ok(await until(() => fleet.events('reload').length > done), fleet.text());
    assert.ok(await until(() => fleet.events('worker_exited').length >= exited + workers), fleet.text());
  };
  // The first reloads warm the parent up: code is compiled, buffers are allocated.
  for (const word of ['warm', 'up']) await reload(word);
  assert.ok(await fleet.settled(workers));
  const before = belongings(fleet);
  const memoryBefore = memoryOf(fleet.pid);
  for (let round = 0; round < reloads; round++) await reload(`g${round}`);
  const memoryReloaded = memoryOf(fleet.pid);
  const exited = fleet.events('worker_exited').length;
  for (let round = 0; round < kills; round++) {
    const pid = fleet.workers()[0]!;
    process.kill(pid, 'SIGKILL');
    assert.ok(await until(() => fleet.events('worker_exited').some((line) => line.pid === pid)), fleet.text());
    assert.ok(await until(() => fleet.workers().length > 0));
  }
  assert.ok(await fleet.settled(workers), fleet.text());
  // A file that the parent reads at this moment is none that stays open.
  await until(() => isDeepStrictEqual(belongings(fleet), before));
  const after = belongings(fleet);
  const memoryAfter = memoryOf(fleet.pid);
  printFigures('wear', {
    reloads,
    kills,
    descriptors: `${before.descriptors} -> ${after.descriptors}`,
    listeners: `${before.listeners} -> ${after.listeners}`,
    processes: `${before.processes} -> ${after.processes}`,
    zombies: after.zombies,
    'memory of the parent': `${memoryBefore} -> ${memoryReloaded} -> ${memoryAfter} MiB`,
  });
  assert.deepEqual(after, before);
  assert.equal(fleet.events('worker_exited').length, exited + kills, 'only the killed ones ended');
  assert.ok(memoryAfter - memoryBefore <= 20, `${memoryBefore} MiB became ${memoryAfter} MiB`);
  assert.doesNotMatch(fleet.text(), /MaxListeners/);
  assert.match((await askFor(`${fleet.url}/`)).text, new RegExp(`^g${reloads - 1} `));
});

function belongings(fleet: FaultFleet): Belongings {
  const processes = fleet.workers();
  return {
    descriptors: descriptorsOf(fleet.pid),
    listeners: listenersOf([fleet.pid, ...processes]),
    processes: processes.length,
    zombies: zombiesOf(fleet.pid).length,
  };
}
