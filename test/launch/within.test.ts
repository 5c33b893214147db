import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { unlessAborted } from '../../dist/launch/within.js';

test('waiting unless a signal is raised leaves nothing that listens, however it ends', async () => {
  const [first, second] = [new AbortController(), new AbortController()];
  const listeners = (): number =>
    [first, second].reduce((sum, { signal }) => sum + getEventListeners(signal, 'abort').length, 0);
  assert.equal(await unlessAborted(Promise.resolve(1), first.signal, second.signal), 1);
  await assert.rejects(unlessAborted(Promise.reject(new Error('no')), first.signal), /no/);
  assert.equal(listeners(), 0);
  const waiting = unlessAborted(new Promise(() => undefined), first.signal, second.signal);
  assert.equal(listeners(), 2);
  second.abort();
  assert.equal(await waiting, undefined);
  assert.equal(listeners(), 0);
  assert.equal(await unlessAborted(new Promise(() => undefined), second.signal), undefined);
});
