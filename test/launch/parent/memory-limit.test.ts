import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '#internal/log';
import type { WorkerHandle } from '../../../dist/launch/parent/worker-handle.js';
import { describeShare, MemoryLimit, shareOfContainer } from '../../../dist/launch/parent/worker-memory.js';

const MIB = 2 ** 20;

test('KU-9 the share of a worker is three quarters of the memory of the container beyond 128 MiB', () => {
  for (const [limit, workers, share] of [
    [512, 1, 288],
    [896, 1, 576],
    [1152, 2, 384],
    [4096, 16, 186],
  ] as const) {
    assert.equal(Math.round(shareOfContainer(workers, limit * MIB) / MIB), share);
    assert.equal(describeShare(workers, limit * MIB), `max_memory is ${share} MiB for each worker`);
  }
});

test('KU-9 a container that is too small for its workers, or without a limit, gives them none', () => {
  assert.equal(shareOfContainer(1, 256 * MIB), 0);
  assert.equal(describeShare(1, 256 * MIB), 'too little memory for a max_memory of the worker');
  assert.equal(describeShare(4, 512 * MIB), 'too little memory for a max_memory of 4 workers');
  assert.equal(shareOfContainer(1, Number.POSITIVE_INFINITY), 0);
  assert.equal(describeShare(1, Number.POSITIVE_INFINITY), undefined);
});

test('KU-9 a worker beyond its share is replaced if no max_memory is written; 0 is none', () => {
  const limit = new MemoryLimit(silentLogger(), 512 * MIB);
  const worker = { serving: true, beat: { rss: 300 * MIB }, served: { rss: 70 * MIB } } as unknown as WorkerHandle;
  assert.equal(
    limit.exceeded(worker, undefined, 1),
    'it has 300 MiB, more than max_memory (288 MiB by the limit of the container)',
  );
  assert.equal(limit.exceeded(worker, 0, 1), undefined);
  assert.equal(limit.exceeded(worker, 400 * MIB, 1), undefined);
  assert.equal(limit.exceeded(worker, undefined, 4), undefined, 'too small for four');
});
