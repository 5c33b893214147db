import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { Coalesced, deferred, Turns, unlessAborted } from '../../dist/launch/waiting.js';

test('waiting unless a signal is raised leaves nothing that listens, however it ends', async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const listeners = (): number => getEventListeners(signal, 'abort').length;
  assert.equal(await unlessAborted(Promise.resolve(1), signal), 1);
  await assert.rejects(unlessAborted(Promise.reject(new Error('no')), signal), /no/);
  assert.equal(listeners(), 0);
  const waiting = unlessAborted(new Promise(() => undefined), signal);
  assert.equal(listeners(), 1);
  controller.abort();
  assert.equal(await waiting, undefined);
  assert.equal(listeners(), 0);
  assert.equal(await unlessAborted(new Promise(() => undefined), signal), undefined);
});

test('LC-518 asked while it runs, work runs exactly once more', async () => {
  let runs = 0;
  let release = (): void => undefined;
  const work = new Coalesced(async () => {
    runs += 1;
    await new Promise<void>((resolve) => (release = resolve));
  });
  const first = work.run();
  const others = [work.run(), work.run(), work.run()];
  assert.equal(work.pending, true);
  release();
  await first;
  await new Promise(setImmediate);
  assert.equal(runs, 2);
  assert.equal(work.pending, false);
  release();
  await Promise.all(others);
  await work.idle();
  assert.equal(runs, 2);
});

test('work runs in turns: each begins when those asked for before have ended, however they did', async () => {
  const turns = new Turns();
  const first = deferred();
  const said: string[] = [];
  const failing = turns.run(() => first.promise);
  const second = turns.run(async () => said.push('second'));
  first.reject(new Error('no'));
  await assert.rejects(failing, /no/);
  await turns.idle();
  assert.deepEqual(said, ['second']);
  assert.equal(await second, 1);
});
