/** The status of a running service as text: the line of each periodic task. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statusText } from '../../../dist/cli/look/status-text.js';

test('AU-8 the status has a line for each task, over all workers: spacing, last run, runs and failures', () => {
  const worker = (id: number, periodic: readonly object[]) => ({
    id,
    pid: 100 + id,
    state: 'ready',
    uptimeMs: 0,
    periodic,
  });
  const sync = { name: 'sync', spacing: 300, running: false, errors: 0 };
  const clean = { name: 'clean', spacing: 3600, running: false, runs: 0, errors: 0 };
  const service = {
    name: 'books',
    state: 'ready',
    ready: 2,
    wanted: 2,
    restarts: 0,
    reasons: [],
    errors: [],
    addresses: [],
    connections: { open: 0, limit: 0 },
    workers: [
      worker(0, [{ ...sync, runs: 2, lastStartAgo: 90 }, clean]),
      worker(1, [{ ...sync, runs: 1, errors: 1, lastStartAgo: 2, lastError: 'down' }]),
      worker(2, []),
    ],
  };
  const running = {
    name: 'books',
    pid: 1,
    uptimeMs: 0,
    generation: 1,
    stopping: false,
    logLinesLost: 0,
    notListening: [],
  };
  const text = statusText({ process: running, services: [service], reloads: [], left: [], overrides: [] } as never);
  assert.deepEqual(
    text.split('\n').filter((line) => /^ *task /.test(line)),
    [
      '  task sync: every 5m, last run 2s ago, 3 runs, 1 failure; it fails: down',
      '  task clean: every 1h, no run yet, 0 runs',
    ],
  );
});
