import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RestartBudget, StartThrottle } from '../../../dist/launch/parent/start-limits.js';

/** A throttle on a fake clock that only its waits advance. */
class Sleeper {
  time = 0;
  readonly slept: number[] = [];
  readonly throttle = new StartThrottle(() => this.time);

  /** Starts one more of this many workers. */
  start(workers: number): void {
    const { ms } = this.throttle.wait(workers);
    if (ms > 0) {
      this.slept.push(ms);
      this.time += ms;
      assert.equal(this.throttle.wait(workers).ms, 0);
    }
    this.throttle.started(workers);
  }
}

test('LC-323 RL-61 the first workers + 1 starts are free, then each waits a second', () => {
  const sleeper = new Sleeper();
  for (let i = 0; i < 2; i++) sleeper.start(1);
  assert.deepEqual(sleeper.slept, []);
  sleeper.start(1);
  assert.deepEqual(sleeper.slept, [1000]);
});

test('LC-323 with three workers four starts are free; the window is as many seconds as workers', () => {
  const sleeper = new Sleeper();
  for (let i = 0; i < 4; i++) sleeper.start(3);
  assert.deepEqual(sleeper.slept, []);
  sleeper.time += 2999;
  sleeper.start(3);
  assert.deepEqual(sleeper.slept, [1000]);
  sleeper.time += 3000;
  sleeper.start(3);
  assert.deepEqual(sleeper.slept, [1000]);
});

test('LC-323 a start that is asked for several times while it waits begins to wait once', () => {
  const { throttle } = new Sleeper();
  for (let i = 0; i < 2; i++) throttle.started(1);
  assert.deepEqual(throttle.wait(1), { ms: 1000, begins: true });
  assert.deepEqual(throttle.wait(1), { ms: 1000, begins: false });
});

test('LC-323 workers that die at once start one a second, and not in bursts', () => {
  for (const workers of [1, 2, 4]) {
    const sleeper = new Sleeper();
    const starts: number[] = [];
    for (let i = 0; i < workers + 1 + 8; i++) {
      sleeper.start(workers);
      starts.push(sleeper.time);
    }
    assert.deepEqual(starts.slice(workers + 1), [1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000]);
  }
});

test('LC-324 reset makes the next starts free again, and ends a wait', () => {
  const { throttle } = new Sleeper();
  for (let i = 0; i < 2; i++) throttle.started(1);
  assert.equal(throttle.wait(1).ms, 1000);
  throttle.reset();
  for (let i = 0; i < 2; i++) {
    assert.equal(throttle.wait(1).ms, 0);
    throttle.started(1);
  }
});

test('LC-321 max_restarts counts within its window, and 0 is no limit', () => {
  let time = 0;
  const budget = new RestartBudget(() => time);
  assert.equal(budget.spend(0, 0), false);
  assert.deepEqual([budget.spend(2, 1000), budget.spend(2, 1000)], [false, false]);
  time = 1500;
  assert.deepEqual([budget.spend(2, 1000), budget.spend(2, 1000), budget.spend(2, 1000)], [false, false, true]);
});
