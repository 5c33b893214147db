/** An idle worker sends rare heartbeats: its parent waits for them, and for no others. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { countSeconds, isAtRest } from '../../../dist/launch/parent/late-workers.js';
import type { WorkerHandle } from '../../../dist/launch/parent/worker-handle.js';
import { type FakeWorker, fakePool } from '../../fixtures/fake-workers.js';

/** An idle worker, and a function that lets seconds pass. */
async function resting(t: TestContext) {
  let now = performance.now();
  t.mock.method(performance, 'now', () => now);
  const fakes: FakeWorker[] = [];
  const { pool } = fakePool('a', (moment, worker) => {
    if (moment === 'begin') fakes.push(worker);
  });
  t.after(() => pool.kill());
  await pool.launch(1);
  const [worker] = pool.current as [WorkerHandle];
  const [fake] = fakes as [FakeWorker];
  fake.say({ kind: 'beat', debugged: false, facts: {}, nextMs: 6000 });
  const wait = (seconds: number): void => {
    now += seconds * 1000;
  };
  const pass = (seconds: number): void => {
    wait(seconds);
    worker.beat.silentSeconds += seconds;
  };
  return { worker, fake, pass, wait };
}

test('GR-6 an idle worker is not silent before its next heartbeat is late', async (t) => {
  const { worker, pass } = await resting(t);
  pass(4.9);
  assert.deepEqual([worker.beat.silent, isAtRest(worker)], [false, true]);
  pass(3);
  assert.deepEqual([worker.beat.silent, isAtRest(worker)], [true, false]);
});

test('GR-6 looks count no silence that the clock does not show, nor more than their interval', async (t) => {
  const { worker, wait } = await resting(t);
  const look = (waited: number): [number, boolean] => {
    wait(waited);
    countSeconds(worker, 5);
    return [Math.round(worker.beat.silentSeconds * 10) / 10, isAtRest(worker)];
  };
  assert.deepEqual(look(0.1), [-4.9, true]);
  assert.deepEqual(look(4.8), [-0.1, true]);
  assert.deepEqual(look(5), [4.9, false]);
  // The parent was suspended for an hour.
  assert.deepEqual(look(3600), [9.9, false]);
});

test('GR-6 a worker whose rest a request has ended is silent as soon as any other', async (t) => {
  const { worker, fake, pass } = await resting(t);
  pass(1);
  fake.say({ kind: 'awake' });
  assert.equal(isAtRest(worker), false);
  pass(2.6);
  assert.deepEqual([worker.beat.silent, worker.beat.silentSeconds], [true, 2.6]);
});

test('GR-6 an idle worker is silent when its watch thread has found it stuck', async (t) => {
  const { worker, fake, pass } = await resting(t);
  pass(4);
  fake.say({ kind: 'stuck', stack: ['at here'], silentMs: 3000 });
  assert.deepEqual([worker.beat.silent, worker.beat.silentSeconds, worker.beat.stack], [true, 3, ['at here']]);
});

test('GR-6 a worker that is asked has a second to say that it is awake', async (t) => {
  const { worker, pass } = await resting(t);
  const asked = worker.ask('report', undefined, 10);
  pass(2.6);
  assert.equal(worker.beat.silent, true);
  assert.match((await asked).error ?? '', /^no reply within/);
});

test('GR-6 a worker whose heartbeats come each second again is silent as soon as any other', async (t) => {
  const { worker, fake, pass } = await resting(t);
  fake.say({ kind: 'beat', debugged: false, facts: {}, nextMs: 1000 });
  assert.equal(isAtRest(worker), false);
  pass(2.6);
  assert.equal(worker.beat.silent, true);
});
