import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { silentLogger } from 'portico';
import { endEarly, endWithin } from '../../dist/launch/parent/worker-ending.js';
import type { WorkerHandle } from '../../dist/launch/parent/worker-handle.js';

/** A worker that ends only when it is killed. */
function stuck(facts: { wasReady: boolean; rehearsing?: boolean }): WorkerHandle {
  let end!: (exit: unknown) => void;
  const worker = {
    assignment: { service: 'api', index: 0 },
    rehearsing: false,
    killed: false,
    ...facts,
    exited: new Promise((resolve) => {
      end = resolve;
    }),
    kill: () => {
      worker.killed = true;
      end({ code: null, signal: 'SIGKILL' });
    },
  };
  return worker as unknown as WorkerHandle;
}

/** After how many milliseconds the worker is killed. */
async function killedAfter(
  t: TestContext,
  worker: WorkerHandle,
  end: () => Promise<boolean>,
): Promise<{ ms: number; clean: boolean }> {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const ended = end();
  let ms = 0;
  for (; !worker.killed && ms < 20_000; ms += 100) {
    t.mock.timers.tick(100);
    for (let i = 0; i < 5; i++) await Promise.resolve();
  }
  t.mock.timers.reset();
  return { ms, clean: await ended };
}

test('LC-357 LC-1701 a worker that serves has a second behind its own deadline before it is killed', async (t) => {
  const worker = stuck({ wasReady: true });
  const ending = await killedAfter(t, worker, () => endWithin(worker, 3000, silentLogger()));
  assert.deepEqual(ending, { ms: 4000, clean: false });
});

test('LC-531 a worker that is stuck before it served is killed at the deadline, not a second later', async (t) => {
  const worker = stuck({ wasReady: false });
  const ending = await killedAfter(t, worker, () => endWithin(worker, 3000, silentLogger()));
  assert.deepEqual(ending, { ms: 3000, clean: false });
});

test('LC-519 a child that only checks a reload holds up no stop, and its end is clean', async (t) => {
  const worker = stuck({ wasReady: false, rehearsing: true });
  const ending = await killedAfter(t, worker, () => endWithin(worker, 60_000, silentLogger()));
  assert.deepEqual(ending, { ms: 1000, clean: true });
});

test('a start that is called off has five seconds to let go of what it has', async (t) => {
  const worker = stuck({ wasReady: false });
  assert.deepEqual(await killedAfter(t, worker, () => endEarly(worker)), { ms: 5000, clean: true });
});
