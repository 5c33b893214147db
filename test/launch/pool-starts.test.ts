import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Logger } from 'portico';
import { PoolStarts, RestartBudget, StartThrottle } from '../../dist/launch/parent/pool-starts.js';

/** A clock that only sleeping moves. */
function sleeper(): {
  now: () => number;
  wait: (ms: number) => Promise<void>;
  slept: number[];
  pass: (ms: number) => void;
} {
  let time = 0;
  const slept: number[] = [];
  return {
    now: () => time,
    wait: async (ms) => {
      slept.push(ms);
      time += ms;
    },
    slept,
    pass: (ms) => {
      time += ms;
    },
  };
}

test('LC-323 RL-61 the first workers + 1 starts are free, then each waits a second', async () => {
  const { now, wait, slept } = sleeper();
  const throttle = new StartThrottle(now);
  for (let i = 0; i < 2; i++) await throttle.next(1, wait);
  assert.deepEqual(slept, []);
  await throttle.next(1, wait);
  assert.deepEqual(slept, [1000]);
});

test('LC-323 with three workers four starts are free; the window is as many seconds as workers', async () => {
  const { now, wait, slept, pass } = sleeper();
  const throttle = new StartThrottle(now);
  for (let i = 0; i < 4; i++) await throttle.next(3, wait);
  assert.deepEqual(slept, []);
  pass(2999);
  await throttle.next(3, wait);
  assert.deepEqual(slept, [1000]);
  pass(3000);
  await throttle.next(3, wait);
  assert.deepEqual(slept, [1000]);
});

test('LC-323 a start that is not needed any more when its turn comes neither waits nor counts', async () => {
  const { now, wait, slept } = sleeper();
  const throttle = new StartThrottle(now);
  for (let i = 0; i < 2; i++) await throttle.next(1, wait);
  const given = [throttle.next(1, wait, () => false), throttle.next(1, wait, () => false)];
  await Promise.all(given);
  assert.deepEqual(slept, []);
  await throttle.next(1, wait);
  assert.deepEqual(slept, [1000]);
});

test('LC-323 nobody is told to sleep once the service is being stopped', async () => {
  const said: string[] = [];
  const log = { info: (message: string) => said.push(message) } as unknown as Logger;
  const stop = new AbortController();
  const starts = new PoolStarts({
    service: 'api',
    log,
    alive: new Set(),
    stopped: stop.signal,
    wanted: () => 1,
    drainMs: () => 0,
  });
  await Promise.all([starts.next(), starts.next()]);
  const waiting = [starts.next(), starts.next(), starts.next()];
  stop.abort();
  await Promise.all(waiting);
  assert.deepEqual(said, []);
});

test('LC-323 workers that die at once start one a second, and not in bursts', async () => {
  for (const workers of [1, 2, 4]) {
    const { now, wait } = sleeper();
    const throttle = new StartThrottle(now);
    const starts: number[] = [];
    for (let i = 0; i < workers + 1 + 8; i++) {
      await throttle.next(workers, wait);
      starts.push(now());
    }
    assert.deepEqual(starts.slice(workers + 1), [1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000]);
  }
});

test('LC-324 reset makes the next starts free again', async () => {
  const { now, wait, slept } = sleeper();
  const throttle = new StartThrottle(now);
  for (let i = 0; i < 2; i++) await throttle.next(1, wait);
  throttle.reset();
  for (let i = 0; i < 2; i++) await throttle.next(1, wait);
  assert.deepEqual(slept, []);
});

test('LC-321 max_restarts counts within its window, and 0 is no limit', () => {
  let time = 0;
  const budget = new RestartBudget(() => time);
  assert.equal(budget.spend(0, 0), false);
  assert.deepEqual([budget.spend(2, 1000), budget.spend(2, 1000)], [false, false]);
  time = 1500;
  assert.deepEqual([budget.spend(2, 1000), budget.spend(2, 1000), budget.spend(2, 1000)], [false, false, true]);
});
