/** Facts about the event loop of a process. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { loopReader } from '../../../dist/launch/worker/loop-facts.js';

test('GR-6 the lag includes the request that ends a rest', async (t) => {
  const loop = loopReader();
  t.after(() => loop.end());
  loop.measure(true);
  loop.measure(false);
  loop.measure(true);
  for (const end = performance.now() + 300; performance.now() < end; );
  await sleep(50);
  const { lagMaxMs } = loop.read();
  assert.ok(lagMaxMs !== undefined && lagMaxMs > 200, String(lagMaxMs));
});

test('GR-6 the lag of a window is shown until the next one is over, also of a process that rests in between', async (t) => {
  let now = performance.now();
  t.mock.method(performance, 'now', () => now);
  const loop = loopReader();
  t.after(() => loop.end());
  loop.measure(true);
  loop.note(700);
  loop.measure(false);
  for (const [seconds, lagMaxMs] of [
    [29, 700],
    [2, 700],
    [29, 700],
    [2, 700],
    [0, 0],
  ] as const) {
    now += seconds * 1000;
    assert.equal(loop.read().lagMaxMs, lagMaxMs);
  }
});
