import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from 'portico/testing';
import { RecentKeys } from '../../../dist/extras/rpc/server/recent-keys.js';

test('RP-90 a key is known for its time, and of more than there may be the oldest are forgotten', async () => {
  const clock = new FakeClock();
  const keys = new RecentKeys({ clock, keepMs: 1000, most: 2 });
  const known = (): string[] => ['a', 'b', 'c'].filter((key) => keys.has(key));
  keys.add('a');
  await clock.advance(600);
  keys.add('b');
  assert.deepEqual(known(), ['a', 'b']);
  await clock.advance(400);
  assert.deepEqual(known(), ['b']);
  keys.add('a');
  keys.add('b');
  keys.add('a');
  keys.add('c');
  assert.deepEqual(known(), ['a', 'c'], 'a was seen again after b');
  keys.forget('a');
  assert.deepEqual(known(), ['c']);
});
