import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WorkerPool } from '../../../dist/launch/parent/worker-pool.js';

test('NI-3 the record of a service outlives the times of any number of jobs', () => {
  const pool = new WorkerPool({ name: 'images' } as WorkerPool, {} as never);
  const worker = { assignment: { index: 0 } } as Parameters<WorkerPool['keep']>[0];
  pool.keep(worker, { key: 'record', value: { host: 'north' } });
  for (let job = 0; job < 1500; job++) pool.keep(worker, { key: `task 0 job ${job}`, value: job });
  assert.deepEqual(pool.kept.get('record'), { host: 'north' });
  assert.deepEqual(
    [pool.kept.size, pool.kept.has('task 0 job 500'), pool.kept.has('task 0 job 501')],
    [1000, false, true],
  );
});
