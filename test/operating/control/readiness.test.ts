/** The problems of a service, as status and readiness show them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readinessOf } from '../../../dist/operating/control/status-document.js';

const lastFailure = { at: new Date().toISOString(), worker: 1, pid: 7, reason: 'exit', code: 3, signal: null };
const service = (more: object) => ({ name: 'shop', ready: 1, wanted: 1, workers: [], ...more });
const reasonsOf = (more: object, stopping = false): string =>
  readinessOf({
    stopping,
    leaving: false,
    stopsInMs: stopping ? 12_000 : undefined,
    services: [service(more)],
  } as never)[0]!.reasons.join('\n');

test('the problems of a service that stops are not those of its last start', () => {
  const failed = { ready: 0, lastFailure: { ...lastFailure, uptimeMs: 1, lost: 0, requests: [] } };
  assert.match(reasonsOf(failed), /^0 of 1 workers are ready\nworker 1 \(pid 7\) exited with status 3 /);
  assert.equal(reasonsOf(failed, true), 'the service is stopping: what is still open in 12s is cut off');
});

test('a certificate that has expired or expires soon is a problem of its service', () => {
  const ends = (days: number) => ({ certificateEnds: new Date(Date.now() + days * 86_400_000 + 60_000).toISOString() });
  assert.equal(reasonsOf(ends(15)), '');
  assert.match(reasonsOf(ends(2)), /^its certificate expires in 2d\S*, \S+: renew it, and reload$/);
  assert.match(
    reasonsOf(ends(-2)),
    /^its certificate expired 1d23h ago, \S+: clients refuse it; renew it, and reload$/,
  );
});
