import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunningProgram } from '../fixtures/running-program.js';

test('LC-310 LC-1914 a SIGTERM to a worker that has not started its service ends it with 0, and it is replaced', async (t) => {
  const fleet = new RunningProgram(
    'fleet',
    { services: [{ name: 'api', workers: 1 }] },
    { env: { PORTICO_TEST_SLOW: '1' } },
  );
  t.after(() => fleet.cleanUp());
  const loading = await fleet.event('loading');
  assert.notEqual(loading.pid, fleet.pid);
  process.kill(loading.pid!, 'SIGTERM');
  const exited = await fleet.event('worker_exited');
  assert.deepEqual([exited.code, exited.signal], [0, null]);
  await fleet.line((line) => line.event === 'loading' && line.pid !== loading.pid);
  fleet.kill('SIGTERM');
  assert.equal((await fleet.ended).code, 0);
});
