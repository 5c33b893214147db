/** Tests the error of several services that fail to start. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeError, PorticoError } from '../../../dist/errors/index.js';
import { ConcurrentStarts } from '../../../dist/launch/parent/concurrent-starts.js';
import { ServiceExit } from '../../../dist/service/index.js';
import { deferred } from '../../../dist/tasks/internal.js';
import { FakeClock } from '../../../dist/testing/index.js';

/** Returns the errors with which starts reject that fail in this order. */
async function errorsOf(...failures: readonly unknown[]): Promise<readonly unknown[]> {
  const starts = new ConcurrentStarts();
  const { signal } = new AbortController();
  const all = await Promise.allSettled(failures.map(async (failure) => starts.add(Promise.reject(failure), signal)));
  return all.map((result) => (result as PromiseRejectedResult).reason as unknown);
}

test('TE-2 of several failed starts, the first decides if it has chosen the exit status', async () => {
  const exit = new ServiceExit(3);
  assert.deepEqual(await errorsOf(exit, new Error('no port')), [exit, exit]);
});

test('TE-2 several failed starts are one error that tells each, once', async () => {
  const [error] = await errorsOf(new Error('no port'), new ServiceExit(3), new Error('no port'));
  assert.ok(error instanceof PorticoError);
  const codes = error.diagnostics.map(({ code }) => code);
  assert.deepEqual(codes, ['PORTICO_START_FAILED', 'PORTICO_SERVICE_EXIT']);
});

test('OP-3 a failed start tells what the builds of all services refuse, however late they end', async () => {
  const clock = new FakeClock();
  const starts = new ConcurrentStarts(clock);
  const { signal } = new AbortController();
  const build = deferred();
  const first = starts.add(Promise.reject(new Error('no database')), signal);
  const second = starts.add(build.promise, signal, build.promise);
  second.catch(() => undefined);
  await clock.advance(9000);
  build.reject(new Error('no queue'));
  const [one, other] = await Promise.allSettled([first, second]);
  assert.match(String((one as PromiseRejectedResult).reason), /no database/);
  assert.match(describeError((one as PromiseRejectedResult).reason), /no queue/);
  assert.match(describeError((other as PromiseRejectedResult).reason), /no database/);
});
