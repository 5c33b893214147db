import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { exitProcess, type HostProcess } from '../../../dist/launch/process/host-process.js';

/** A standard stream with this many bytes still to be written. */
function stream(pending: number): { writableLength: number; flushed: () => void; write: unknown; once: unknown } {
  const waiting: (() => void)[] = [];
  return {
    writableLength: pending,
    write: (_text: string, done: () => void) => waiting.push(done),
    once: () => undefined,
    flushed: () => {
      for (const done of waiting.splice(0)) done();
    },
  };
}

function exiting(t: TestContext, stdout: object, stderr: object): number[] {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const statuses: number[] = [];
  const host = { stdout, stderr, exit: (status: number) => statuses.push(status) } as unknown as HostProcess;
  exitProcess(host, 3);
  return statuses;
}

test('LC-548 LC-1702 a process ends when what it wrote is out, on both of its streams', (t) => {
  const [stdout, stderr] = [stream(10), stream(20)];
  const statuses = exiting(t, stdout, stderr);
  assert.deepEqual(statuses, []);
  stdout.flushed();
  assert.deepEqual(statuses, []);
  stderr.flushed();
  assert.deepEqual(statuses, [3]);
});

test('LC-1702 a reader that takes nothing holds the end up for a second', (t) => {
  const statuses = exiting(t, stream(10), stream(0));
  t.mock.timers.tick(999);
  assert.deepEqual(statuses, []);
  t.mock.timers.tick(1);
  assert.deepEqual(statuses, [3]);
});

test('LC-1702 with nothing left to write the end comes at once', (t) => {
  assert.deepEqual(exiting(t, stream(0), stream(0)), [3]);
});
