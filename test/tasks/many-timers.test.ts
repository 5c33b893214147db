import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { BackOffLoopingCall, FixedIntervalWithTimeoutLoopingCall, PeriodicTasks, TaskGroup } from 'portico/tasks';
import { FakeClock } from 'portico/testing';
import { PeriodicRunner, pause } from '#internal/tasks';
import { recordedLog } from './recorded-log.js';

/** Twenty timers of each kind and interval. */
const COUNT = 20 * 60;

/** A timer under test: the times of its runs, and whether two runs overlapped. */
interface Watched {
  readonly runs: number[];
  overlapped: boolean;
}

/** Returns the seconds within a minute at which a kind of timer runs. */
type Rule = (interval: number) => number[];

const everyInterval: Rule = (interval) => {
  const times: number[] = [];
  for (let at = 0; at < 60; at += interval) times.push(at);
  return times;
};

/** The function takes half a second, which is part of a fixed interval but not of a dynamic one. */
const afterEachEnd: Rule = (interval) => everyInterval(interval + 0.5);

const whileFailing: Rule = (interval) => {
  const times = [0];
  for (let idle = 2 * interval; times.at(-1)! + idle + 0.5 < 60; idle *= 2) times.push(times.at(-1)! + idle + 0.5);
  return times;
};

const afterOneInterval: Rule = (interval) => everyInterval(interval).slice(1);

const KINDS: readonly [kind: string, rule: Rule][] = [
  ['fixed', everyInterval],
  ['fixed with timeout', everyInterval],
  ['dynamic', afterEachEnd],
  ['back-off, succeeding', afterEachEnd],
  ['back-off, failing', whileFailing],
  ['periodic', afterOneInterval],
];

test('LC-621 LC-631 LC-642 LC-643 LC-703 1200 timers of mixed kinds run for a minute, each as often as its rule says', async () => {
  const clock = new FakeClock();
  const { log } = recordedLog();
  const group = new TaskGroup({ clock, log });
  const loops: { stop(): void; wait(): Promise<unknown> }[] = [];
  const concurrent = new PeriodicTasks({}, { clock, log, random: () => 0 });
  const watched: Watched[] = [];
  for (let n = 0; n < COUNT; n++) {
    const interval = 1 + (n % 20);
    const one: Watched = { runs: [], overlapped: false };
    watched.push(one);
    let running = false;
    const run = async (): Promise<void> => {
      one.runs.push(clock.now() / 1000);
      one.overlapped ||= running;
      running = true;
      await pause(500, { clock });
      running = false;
    };
    const backOff = (succeeds: boolean): void => {
      const loop = new BackOffLoopingCall(() => run().then(() => succeeds));
      const options = { startingInterval: interval, gaussian: () => 1, jitter: 1, timeout: 0, maxInterval: 1e6 };
      loop.start({ ...options, clock, log });
      loops.push(loop);
    };
    switch (KINDS[n % KINDS.length]![0]) {
      case 'fixed':
        group.addTimer(interval, run);
        break;
      case 'fixed with timeout': {
        const loop = new FixedIntervalWithTimeoutLoopingCall(run);
        loop.start(interval, { timeout: 3600, clock, log });
        loops.push(loop);
        break;
      }
      case 'dynamic':
        group.addDynamicTimer(() => run().then(() => interval));
        break;
      case 'periodic':
        concurrent.addPeriodicTask(run, { name: `periodic-${n}`, spacing: interval, concurrent: true });
        break;
      default:
        backOff(KINDS[n % KINDS.length]![0] === 'back-off, succeeding');
    }
  }
  new PeriodicRunner(concurrent, { fuzzyDelay: 0, periodicIntervalMax: 1 }).start(group);
  await clock.advance(59_999);

  const wrong: string[] = [];
  for (const [n, { runs, overlapped }] of watched.entries()) {
    const [kind, rule] = KINDS[n % KINDS.length]!;
    const expected = rule(1 + (n % 20));
    if (overlapped) wrong.push(`${kind} overlapped itself`);
    if (runs.map((at) => at.toFixed(2)).join() !== expected.map((at) => at.toFixed(2)).join()) {
      wrong.push(`${kind} every ${1 + (n % 20)} s ran at ${runs.join()}, not at ${expected.join()}`);
    }
  }
  assert.deepEqual([...new Set(wrong)].slice(0, 5), []);

  const stopping = group.stop({ graceful: true });
  for (const loop of loops) loop.stop();
  await clock.advance(500);
  await Promise.all([stopping, ...loops.map((loop) => loop.wait())]);
  assert.deepEqual([clock.pending, group.timers.length, group.size], [0, 0, 0]);
  const count = watched.reduce((sum, { runs }) => sum + runs.length, 0);
  await clock.advance(60_000);
  assert.equal(
    watched.reduce((sum, { runs }) => sum + runs.length, 0),
    count,
  );
});

test('LC-5 the process ends by itself once 10,000 real timers of all kinds are stopped', () => {
  const source = `import {
      BackOffLoopingCall, DynamicLoopingCall, FixedIntervalWithTimeoutLoopingCall, PeriodicTasks, TaskGroup,
    } from 'portico/tasks';
    import { PeriodicRunner } from '#internal/tasks';
    const group = new TaskGroup();
    const loops = [];
    const periodic = new PeriodicTasks({});
    const ran = new Set();
    let allRan;
    const over = new Promise((resolve) => { allRan = resolve; });
    const runs = (n) => () => { ran.add(n); if (ran.size === 10_000) allRan(); return 1000 + n; };
    for (let n = 0; n < 10_000; n++) {
      const run = runs(n);
      switch (n % 5) {
        case 0: group.addTimer(1000 + n, run); break;
        case 1: group.addDynamicTimer(run); break;
        case 2: { const loop = new FixedIntervalWithTimeoutLoopingCall(run); loop.start(1000 + n); loops.push(loop); break; }
        case 3: { const loop = new BackOffLoopingCall(run); loop.start({ startingInterval: 1000 }); loops.push(loop); break; }
        default: periodic.addPeriodicTask(run, { name: 'p' + n, spacing: 1000 + n, runImmediately: true, concurrent: true });
      }
    }
    new PeriodicRunner(periodic, { fuzzyDelay: 0 }).start(group);
    await over;
    for (const loop of loops) loop.stop();
    await Promise.all([group.stop({ graceful: true }), ...loops.map((loop) => loop.wait())]);
    const timeouts = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout');
    process.stdout.write([ran.size, group.timers.length, timeouts.length].join());`;
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', source], { encoding: 'utf8', timeout: 60_000 });
  assert.equal(run.stderr, '');
  assert.equal(run.status, 0);
  assert.equal(run.stdout, '10000,0,0');
});
