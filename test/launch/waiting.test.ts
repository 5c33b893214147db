import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { Turns, unlessAborted } from '../../dist/launch/waiting.js';
import { deferred } from '../../dist/tasks/deferred.js';

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
