import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RestartBudget, RestartDelays } from '../../../dist/launch/parent/start-limits.js';

test('the first worker that ends early is started again at once, later ones after 1, 2, 4 … 30 s', () => {
  let time = 0;
  const delays = new RestartDelays(() => time);
  const waits: number[] = [];
  for (let ends = 1; ends <= 9; ends++) {
    const { count, delayMs } = delays.ended(0, 300);
    assert.deepEqual([count, delays.wait(0)], [ends, delayMs]);
    waits.push(delayMs);
    time += delayMs;
    assert.equal(delays.wait(0), 0);
  }
  assert.deepEqual(waits, [0, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
});

test('each slot has separate delays; a worker that lived for a while, and a request of an operator, end them', () => {
  const delays = new RestartDelays(() => 0);
  for (let ends = 0; ends < 3; ends++) delays.ended(0, 0);
  delays.ended(1, 0);
  assert.deepEqual([delays.wait(0), delays.wait(1)], [2000, 0]);
  assert.deepEqual(delays.ended(0, 5000), { count: 0, delayMs: 0 });
  assert.equal(delays.wait(0), 0);
  for (let ends = 0; ends < 3; ends++) delays.ended(1, 0);
  assert.equal(delays.wait(1), 4000);
  delays.reset();
  assert.equal(delays.wait(1), 0);
});

test('LC-321 max_restarts counts within its window, and 0 is no limit', () => {
  let time = 0;
  const budget = new RestartBudget(() => time);
  assert.equal(budget.spend(0, 0), false);
  assert.deepEqual([budget.spend(2, 1000), budget.spend(2, 1000)], [false, false]);
  time = 1500;
  assert.deepEqual([budget.spend(2, 1000), budget.spend(2, 1000), budget.spend(2, 1000)], [false, false, true]);
});
