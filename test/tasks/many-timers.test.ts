import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { BackOffLoopingCall, DynamicLoopingCall, FixedIntervalLoopingCall, TaskGroup } from 'portico/tasks';
import { FakeClock } from 'portico/testing';
import { recordedLog } from './recorded-log.js';

test('10,000 timers of mixed kinds keep their times for a minute, and nothing is left after they stopped', async () => {
  const clock = new FakeClock();
  const { log } = recordedLog();
  const group = new TaskGroup({ clock, log });
  const counts = { fixed: 0, dynamic: 0, backOff: 0, overlapping: 0 };
  const backOffs: BackOffLoopingCall<[]>[] = [];
  for (let n = 0; n < 10_000; n++) {
    const interval = 1 + (n % 20);
    let running = false;
    const exclusively = async (kind: 'fixed' | 'dynamic' | 'backOff'): Promise<void> => {
      if (running) counts.overlapping++;
      running = true;
      await Promise.resolve();
      running = false;
      counts[kind]++;
    };
    if (n % 3 === 0) group.addTimer(interval, () => exclusively('fixed'));
    else if (n % 3 === 1) group.addDynamicTimer(() => exclusively('dynamic').then(() => interval));
    else {
      const loop = new BackOffLoopingCall(() => exclusively('backOff').then(() => true));
      loop.start({ startingInterval: interval, gaussian: () => 1, clock, log });
      backOffs.push(loop);
    }
  }
  assert.equal(group.timers.length, 10_000 - backOffs.length);
  await clock.advance(59_999);
  let expected = 0;
  for (let n = 0; n < 10_000; n++) expected += Math.ceil(59.999 / (1 + (n % 20)));
  assert.equal(counts.fixed + counts.dynamic + counts.backOff, expected);
  assert.equal(counts.overlapping, 0);
  await group.stop({ graceful: true });
  for (const loop of backOffs) loop.stop();
  await Promise.all(backOffs.map((loop) => loop.wait()));
  assert.equal(clock.pending, 0);
  assert.equal(group.timers.length, 0);
  await clock.advance(60_000);
  assert.equal(counts.fixed + counts.dynamic + counts.backOff, expected);
});

test('LC-5 the process ends by itself once 10,000 real timers are stopped', () => {
  const source = `import { TaskGroup } from 'portico/tasks';
    const group = new TaskGroup();
    let calls = 0;
    for (let n = 0; n < 10_000; n++) {
      const count = () => { if (++calls === 10_000) void group.stop({ graceful: true }); };
      if (n % 2 === 0) group.addTimer(1 + n, count); else group.addDynamicTimer(() => { count(); return 1 + n; });
    }
    await group.wait();
    process.stdout.write(String(calls));`;
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', source], { encoding: 'utf8', timeout: 60_000 });
  assert.equal(run.stderr, '');
  assert.equal(run.status, 0);
  assert.equal(run.stdout, '10000');
});

test('LC-602 a loop can be started again after it ended, with a fresh state', async () => {
  const clock = new FakeClock();
  const loop = new DynamicLoopingCall(() => 5);
  for (let round = 0; round < 3; round++) {
    loop.start({ clock });
    await clock.advance(7000);
    loop.stop();
    assert.equal(await loop.wait(), true);
  }
  const fixed = new FixedIntervalLoopingCall(() => {});
  fixed.start(1, { clock });
  fixed.stop();
  await fixed.wait();
  assert.equal(clock.pending, 0);
});
