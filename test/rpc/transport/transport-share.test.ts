import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shareTransport } from '#internal/rpc';
import { kept, transportOptions } from '../conformance.js';

test('RP-1 a share keeps nothing of consumers that have ended', async () => {
  const share = shareTransport('memory://cycles', transportOptions());
  await share.connect();
  const refs: WeakRef<object>[] = [];
  const cycle = async (): Promise<void> => {
    const consumers = await Promise.all([
      share.consume({ exchange: 'portico', topic: 'images' }, { prefetch: 1 }, () => {}),
      share.consumeReplies(() => {}),
    ]);
    for (const consumer of consumers) refs.push(new WeakRef(consumer));
    assert.match(consumers[1].address, /^reply_/);
    await Promise.all(consumers.map((consumer) => consumer.cancel()));
  };
  for (let cycles = 0; cycles < 50; cycles++) await cycle();
  const left = await kept(refs);
  assert.ok(left <= 2, `${left} of ${refs.length} are kept`);
  await share.close();
});
