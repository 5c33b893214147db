/** The status of a running service as text: the line of each job. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statusText } from '../../../dist/cli/look/status-text.js';
import { jobsOf } from '../../../dist/operating/control/jobs.js';

const running = { name: 'books', pid: 1, uptimeMs: 0, generation: 1, stopping: false, logLinesLost: 0 };

/** The text of a process with these facts and services. */
const statusOf = (facts: object, ...services: readonly object[]): string =>
  statusText({
    process: { ...running, notListening: [], ...facts },
    services,
    reloads: [],
    left: [],
    overrides: [],
  } as never);

test('AU-8 the status has a line for each job, over all workers: spacing, runs, the present and the last one, failures', () => {
  const worker = (id: number, periodic: readonly object[]) => ({
    id,
    pid: 100 + id,
    state: 'ready',
    uptimeMs: 0,
    facts: { periodic },
  });
  const sync = { name: 'sync', spacing: 300, running: false, errors: 0 };
  const hung = { name: 'hung', spacing: 5, running: false, runs: 0, errors: 0 };
  const clean = { name: 'clean', spacing: 3600, running: false, runs: 0, errors: 0 };
  const workers = [
    worker(0, [{ ...sync, runs: 2, lastStartAgo: 90, lastEndAgo: 89, lastSeconds: 1, nextIn: 210 }, clean, hung]),
    worker(1, [
      {
        ...sync,
        runs: 1,
        errors: 1,
        lastStartAgo: 2,
        lastEndAgo: 1.5,
        lastSeconds: 0.5,
        nextIn: 298,
        lastError: 'down',
        lastFailure: 'down',
        lastFailureAgo: 1.5,
      },
      { ...hung, runs: 3, running: true, runningFor: 12, lastStartAgo: 12, lastFailure: 'away', lastFailureAgo: 60 },
    ]),
    // Behind a job that hangs.
    worker(2, [{ ...hung, name: 'late', spacing: 2, runs: 1, lastStartAgo: 17, lastEndAgo: 17, nextIn: -15 }]),
  ];
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
    jobs: jobsOf(workers as never),
    workers,
  };
  const text = statusOf({}, service);
  assert.deepEqual(
    text.split('\n').filter((line) => /^ *job /.test(line)),
    [
      '  job sync: every 5m, last run 2s ago, 3 runs, 1 failure, the last took 500ms, next in 3m30s; it fails: down',
      '  job clean: every 1h, no run yet, 0 runs',
      '  job hung: every 5s, running for 12s in worker 1, 3 runs; last failure 1m ago: away',
      '  job late: every 2s, last run 17s ago, 1 run, overdue by 15s in worker 2',
    ],
  );
});

test('status says how many lines of the log were lost, and what may be the reason', () => {
  assert.match(
    statusOf({ logLinesLost: 9 }),
    /^9 log lines could not be written since the start, log_lines_lost in the log says when: was the disk full, or is standard error not read\?$/m,
  );
  assert.doesNotMatch(statusOf({ logLinesLost: 0 }), /log line/);
});
