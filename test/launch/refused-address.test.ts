/** Refused requests on their way from a worker to its parent, which ends a worker with texts that are too long. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '#internal/log';
import { checkMessage } from '../../dist/launch/worker-message.js';
import { Rejections } from '../../dist/server/connections/refusal.js';

test('AT-13 the parent takes the refusals of a worker, however long the address of a client is', () => {
  const rejections = new Rejections(silentLogger());
  rejections.count('rate limit', `fe80::1%${'x'.repeat(1000)}`);
  const refusals = rejections.noted.take();
  assert.equal(refusals.length, 1);
  checkMessage({ kind: 'counted', buckets: [], series: [], failures: [], refusals } as never);
});
