/** A process ends when its services have ended, with their status, in one process and in workers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { App } from 'portico/app';
import { logUnhandled } from '../../dist/launch/exit-status.js';
import { requestId } from '../../dist/middleware/index.js';
import { buildFilter, captureLog, request } from '../../dist/testing/index.js';
import { isAlive, type RunningProgram, runningProgram } from '../fixtures/running-program.js';

type Context = { after(fn: () => Promise<void>): void };

async function running(t: Context, plan: object, event = 'launched'): Promise<RunningProgram> {
  const program = runningProgram(t, 'ending', plan);
  await program.event(event);
  return program;
}

/** One process, and the parent of one worker. */
const ONE = {};
const PARENT = { parent: true };

for (const [how, plan] of [
  ['through launch, one process', ONE],
  ['through launch, a parent', PARENT],
] as const) {
  test(`a forgotten timer holds no process that was asked to stop, and a second SIGTERM when all has stopped changes no status: ${how}`, async (t) => {
    const program = await running(t, { forgets: 'interval', ...plan });
    program.kill('SIGTERM');
    const { status } = await program.event('stopped');
    assert.equal(status, 0);
    await program.stop();
  });
}

test('an application that has stopped its launcher by itself goes on with what else it has to do', async (t) => {
  const program = await running(t, { goesOn: true, forgets: 'interval' });
  await program.event('other_work_done');
  assert.ok(isAlive(program.pid));
});

test('runMain ends the process of an application that has stopped its launcher by itself', async (t) => {
  const program = await running(t, { goesOn: true, main: true, forgets: 'interval' });
  assert.deepEqual(await program.ended, { code: 0, signal: null });
});

// Its wait() never settles.
test('a stop that failed is a stop: logged, status 1, at once, also without a deadline', async (t) => {
  const program = await running(t, { throws: 'stop', timeoutMs: 0, ...PARENT });
  program.kill('SIGTERM');
  const { err } = await program.line(({ msg }) => msg === 'Error stopping service ending');
  assert.match(JSON.stringify(err), /stop fails/);
  assert.deepEqual(await program.ended, { code: 1, signal: null });
});

test('a worker whose stop fails does not stay behind when its parent was killed', async (t) => {
  const program = await running(t, { throws: 'stop', timeoutMs: 0, ...PARENT });
  const workers = program.children();
  assert.equal(workers.length, 1);
  program.kill('SIGKILL');
  for (const pid of workers) {
    await program
      .line(({ event, msg, pid: of }) => (event === 'stopped' || /Error stopping/.test(msg ?? '')) && of === pid)
      .catch(() => undefined);
  }
  while (workers.some(isAlive)) await new Promise((resolve) => setTimeout(resolve, 50));
});

for (const [whose, places, plan] of [
  ['is the status of a single process', ['timer'], ONE],
  ['in a worker is the status of the launch', ['start', 'stop'], PARENT],
] as const) {
  for (const throws of places) {
    test(`ServiceExit(42) thrown by ${throws} ${whose}`, async (t) => {
      const program = runningProgram(t, 'ending', { throws, status: 42, ...plan });
      if (throws === 'stop') {
        await program.event('launched');
        program.kill('SIGTERM');
      }
      assert.deepEqual(await program.ended, { code: 42, signal: null }, program.text());
    });
  }
}

for (const through of ['main', 'apis']) {
  test(`LC-205 ServiceExit(42) thrown by a first start is the status of an application of ${through === 'main' ? 'runMain' : 'runApis'}`, async (t) => {
    const program = runningProgram(t, 'ending', { throws: 'start', status: 42, [through]: true });
    assert.deepEqual(await program.ended, { code: 42, signal: null }, program.text());
  });
}

for (const [throws, restartMethod] of [
  ['task', 'reload'],
  ['reset', 'mutate'],
] as const) {
  test(`ServiceExit(42) thrown by ${throws} ends a worker with it, and another replaces it`, async (t) => {
    const program = await running(t, { throws, status: 42, restartMethod, ...PARENT });
    if (throws === 'reset') program.kill('SIGHUP');
    const { pid } = await program.line(({ event, code }) => event === 'worker_exited' && code === 42);
    const next = await program.line(
      ({ event, pid: of }) => event === 'worker_ready' && of !== pid,
      program.lines.findIndex(({ event }) => event === 'worker_exited'),
    );
    assert.notEqual(next.pid, pid);
    assert.ok(isAlive(program.pid));
  });
}

test('the line of an unhandled error has method and path of the request that it belongs to', async () => {
  const { log, lines } = captureLog();
  const { made, close } = await buildFilter(requestId);
  const app: App = (_req, res) => {
    logUnhandled(log, new Error('of the app'), { workerId: 1 });
    res.end();
  };
  await request(made(app), 'PUT', '/books/7?token=secret');
  logUnhandled(log, new Error('of no request'));
  // As a connection of a pool, which the first request has opened.
  let told = (): void => undefined;
  const ended = new Promise<void>((resolve) => {
    told = () => {
      logUnhandled(log, new Error('of a pool'));
      resolve();
    };
  });
  const opens: App = (_req, res) => {
    res.once('close', () => setImmediate(told));
    res.end();
  };
  await request(made(opens), 'GET', '/first');
  await ended;
  await close();
  const [within, outside, left] = lines;
  assert.deepEqual([within?.method, within?.path, within?.workerId], ['PUT', '/books/7', 1]);
  assert.match(String(within?.request_id), /^req-/);
  assert.match(String(within?.hint), /return app\(req, res\)\. .* timers, event listeners and other callbacks\./);
  for (const line of [outside, left])
    assert.deepEqual([line?.path, line?.hint, line?.request_id], [undefined, undefined, undefined]);
});
