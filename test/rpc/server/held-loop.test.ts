import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as after } from 'node:timers/promises';
import { networkOf } from '../services.js';

test('RP-14 a method that blocks the event loop is named in the log', async (t) => {
  const { serve, client, log } = networkOf(t);

  class Images {
    async grind(): Promise<void> {
      await after(1);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1600);
    }
    async size(): Promise<number> {
      return 7;
    }
  }
  await serve(new Images());
  await client().call({}, 'size');
  await client({ timeout: 30 }).call({}, 'grind');
  const told = log.messages().find((line) => line.includes('event loop'));
  assert.match(told ?? '', /^The event loop was blocked for .*s while Images\.grind ran$/);
});
