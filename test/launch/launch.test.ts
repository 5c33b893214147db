import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serve, wait } from 'portico/launch';
import { silentLogger } from '#internal/log';
import { RecordedService } from '../fixtures/recorded-service.js';

test('LC-1411 LC-1412 serve works once, and wait only after it', async () => {
  const options = { log: silentLogger(), signals: false } as const;
  await assert.rejects(wait(), { code: 'PORTICO_NOT_SERVING' });
  await assert.rejects(serve({} as RecordedService, options), { code: 'PORTICO_NOT_A_SERVICE' });
  const service = new RecordedService('one');
  await serve(service, options);
  await assert.rejects(serve(new RecordedService('two'), options), {
    code: 'PORTICO_ALREADY_SERVING',
    message: 'serve() can only be called once',
  });
  service.die(new Error('done'));
  assert.equal(await wait(), 1);
});
