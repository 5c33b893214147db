/** A worker for which the system starts no process. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { textOf } from '../../../dist/launch/exit-status.js';
import { spawnFailure } from '../../../dist/launch/parent/worker-process.js';

test('NI-4 a limit of processes or descriptors is named where it may be the cause', () => {
  const failed = (code: string): string =>
    textOf(spawnFailure(Object.assign(new Error(`spawn node ${code}`), { code })));
  assert.match(failed('EAGAIN'), /^spawn node EAGAIN: .*TasksMax= of the unit, ulimit -u, pids\.max/);
  assert.match(failed('EMFILE'), /^spawn node EMFILE: .*LimitNOFILE= of the unit, ulimit -n$/);
  assert.match(failed('ENFILE'), /^spawn node ENFILE: .*fs\.file-max$/);
  assert.equal(failed('ENOENT'), 'spawn node ENOENT');
});
