import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { methodCalls } from '../../dist/extras/rpc/client/call-client.js';

test('RP-31 a member is a call of that name, and what any object is asked for is none', async () => {
  const called: unknown[] = [];
  const images = methodCalls<{ [method: string]: (context?: unknown, args?: object) => Promise<unknown> }>(
    async (...call) => called.push(call),
    { prepare: 'own' },
  );
  await images.resize!('context', { id: 1 });
  await images.ping!();
  assert.deepEqual(called, [
    ['resize', 'context', { id: 1 }],
    ['ping', undefined, undefined],
  ]);
  assert.equal(images.prepare, 'own');
  assert.equal(await Promise.resolve(images), images, 'await asks for then');
  assert.equal(JSON.stringify({ images }), '{"images":{"prepare":"own"}}');
  assert.equal(`${images as unknown as string}`, '[object Object]');
  inspect(images);
  assert.equal(called.length, 2);
});
