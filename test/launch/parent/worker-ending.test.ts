import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { type TestContext, test } from 'node:test';
import { silentLogger } from 'portico';
import { endEarly, endWithin } from '../../../dist/launch/parent/worker-ending.js';
import { WorkerHandle } from '../../../dist/launch/parent/worker-handle.js';
import { FakeWorker, generation } from '../../fixtures/fake-workers.js';

/** A worker that ends only when it is killed. */
function stuck(facts: {
  wasReady: boolean;
  rehearsing?: boolean;
  ready?: Promise<void>;
  dismissed?: boolean;
}): WorkerHandle {
  let end!: (exit: unknown) => void;
  const worker = {
    assignment: { service: 'api', index: 0 },
    rehearsing: false,
    killed: false,
    ready: new Promise(() => undefined),
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

test('LC-531 one that served before it heard that it is not needed ends as any that serves', async (t) => {
  const worker = stuck({ wasReady: true, ready: Promise.resolve(), dismissed: true });
  const ending = await killedAfter(t, worker, () => endWithin(worker, 9000, silentLogger()));
  // Its own deadline and a second, and not the five seconds of a start that is called off.
  assert.ok(ending.ms >= 10_000, String(ending.ms));
  assert.equal(ending.clean, false);
});

test('LC-355 work that was cut off is no clean end, whatever the status of the worker', async () => {
  for (const [cutOff, clean] of [
    [true, false],
    [false, true],
  ] as const) {
    const exited = Promise.resolve({ code: 2, signal: null });
    const worker = {
      assignment: { service: 'api', index: 0 },
      wasReady: true,
      cutOff,
      exited,
    } as unknown as WorkerHandle;
    assert.equal(await endWithin(worker, 1000, silentLogger()), clean);
  }
});

test('LC-531 a worker whose word that it serves was on its way is not taken for one that is not needed', () => {
  const told = { index: 0, workers: 1, generation: 1 };
  const fake = new FakeWorker(1, told, () => true);
  const { settings } = generation(1);
  const first = { kind: 'configure', configuration: {}, settings, sockets: [] } as const;
  const handle = new WorkerHandle(fake as unknown as ChildProcess, { service: 'api', ...told }, first);
  handle.dismissed = true;
  fake.say({ kind: 'ready' });
  assert.equal(handle.dismissed, false);
});
