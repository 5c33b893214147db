/** A worker is a fresh run of the application in a separate process that shares only sockets with its parent. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { startedOnce, untilFileEnds } from '../e2e/program.js';
import { get } from '../fixtures/http-client.js';
import { isAlive, launchedProgram, runningProgram } from '../fixtures/running-program.js';

interface Page {
  readonly pid: number;
  readonly held: number;
  readonly random: number;
}

async function started(t: { after(fn: () => Promise<void>): unknown }, plan: object, workers = 1) {
  const fleet = await launchedProgram(t, 'fleet', { services: [{ name: 'api', workers }], ...plan });
  return { fleet, port: await fleet.port('api') };
}

const file = untilFileEnds();
/** A fleet with one worker, for the tests that replace it. */
const lasting = startedOnce(() => started(file, {}));

test('LC-304 LC-309 LC-1921 a worker is a fresh run of the application: no object, lock or thread of its parent; LC-327 a child that the launcher did not start is none of its business', async (t) => {
  const { fleet, port } = await started(t, { busyParent: true });
  const [worker] = fleet.children();
  assert.notEqual(worker, fleet.pid);
  const first = (await get<Page>(port, '/page')).body;
  assert.equal(first.pid, worker);
  assert.equal(first.held, 0, 'the lock that the parent holds is the parent’s');
  const command = (pid: number): string[] => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  const { body } = await get<{ argv: string[] }>(port, '/');
  assert.match(body.argv[1]!, /fixtures\/fleet\.js$/);
  assert.ok(command(fleet.pid).length > 0);
  const { child } = await fleet.event('stranger_ended');
  process.kill(worker!, 'SIGTERM');
  await fleet.event('worker_ready', fleet.lines.indexOf(await fleet.event('worker_exited')));
  const second = (await get<Page>(port, '/page')).body;
  assert.notEqual(second.pid, first.pid);
  assert.equal(second.held, 0);
  assert.notEqual(second.random, first.random);
  await fleet.stop();
  const told = fleet.lines.filter(
    ({ pid, event }) => pid === child || (event === 'worker_exited' && pid !== undefined),
  );
  assert.deepEqual(
    told.map(({ event, code }) => [event, code]),
    [
      ['worker_exited', 0],
      ['worker_exited', 0],
    ],
  );
  assert.ok(
    fleet.lines.every(({ level }) => level !== 'warn' && level !== 'error'),
    fleet.text(),
  );
});

test('LC-402 LC-407 launch with several workers gives a launcher of processes, at work when it is given', async (t) => {
  const program = runningProgram(t, 'single', { options: { workers: 2 } });
  const launched = await program.line(({ event, pid }) => event === 'launched' && pid === program.pid);
  assert.equal(launched.kind, 'ProcessLauncher');
  assert.equal(program.lines.filter(({ event }) => event === 'worker_ready').length, 2);
  const { body } = await get<{ pid: number }>(await program.port('single'), '/');
  assert.ok(program.children().includes(body.pid));
  await program.stop();
});

test('LC-410 one worker of launch runs in this process and is not started again; one of a ProcessLauncher is', async (t) => {
  const alone = runningProgram(t, 'single', {});
  const launched = await alone.event('launched');
  assert.equal(launched.kind, 'ServiceLauncher');
  const { body: own } = await get<{ pid: number }>(launched.port as number, '/');
  assert.equal(own.pid, alone.pid);
  await get(launched.port as number, '/throw').catch(() => undefined);
  const { code } = await alone.ended;
  assert.notEqual(code, 0);

  const { fleet, port } = await lasting();
  const { body } = await get<{ pid: number }>(port, '/throw');
  assert.notEqual(body.pid, fleet.pid);
  await fleet.event('worker_ready', fleet.lines.indexOf(await fleet.event('worker_exited')));
  assert.ok(isAlive(fleet.pid));
});

test('LC-1606 a worker whose service has nothing to wait for stays until it is asked to stop', async () => {
  // The service's wait() settles at once, like a no-op wait().
  const { fleet, port } = await lasting();
  const from = fleet.lines.length;
  const [worker] = fleet.children();
  for (let i = 0; i < 5; i++) assert.equal((await get<{ pid: number }>(port, '/')).body.pid, worker);
  process.kill(worker!, 'SIGTERM');
  assert.equal((await fleet.event('worker_exited', from)).code, 0);
  await fleet.event('worker_ready', from);
});

test('LC-1607 LC-374 LC-375 RL-71 a worker ends with the status its service chose, else with 2 for what nobody handled, which is logged once with its stack, service and worker', async () => {
  const { fleet, port } = await lasting();
  for (const [path, expected] of [
    ['/exit?status=5', 5],
    ['/throw', 2],
  ] as const) {
    const from = fleet.lines.length;
    const { body } = await get<{ pid: number }>(port, path);
    const exited = await fleet.event('worker_exited', from);
    assert.deepEqual([exited.code, exited.pid], [expected, body.pid]);
    const { workerId } = await fleet.event('worker_ready', from);
    const errors = fleet.lines.slice(from).filter(({ level }) => level === 'error');
    if (path !== '/throw') continue;
    assert.equal(errors.length, 1);
    assert.match(JSON.stringify(errors[0]), /nobody handles this.*\\n\s+at /);
    assert.deepEqual([errors[0]!.service, errors[0]!.workerId], ['api', workerId]);
  }
});

test('LC-1708 LC-804 a task that fails is logged and costs nothing; a rejection nobody waits for costs its worker', async () => {
  const { fleet, port } = await lasting();
  const before = fleet.lines.length;
  const { body } = await get<{ pid: number }>(port, '/task');
  assert.equal((await get<{ pid: number }>(port, '/')).body.pid, body.pid);
  const from = fleet.lines.length;
  assert.equal(fleet.lines.slice(before).filter(({ event }) => event === 'worker_exited').length, 0);
  await get(port, '/reject');
  const exited = await fleet.event('worker_exited', from);
  assert.deepEqual([exited.code, exited.pid], [2, body.pid]);
  await fleet.event('worker_ready', from);
  const [error, ...more] = fleet.lines.slice(from).filter(({ level }) => level === 'error');
  assert.deepEqual(more, []);
  assert.match(JSON.stringify(error), /nobody waits for this.*\\n\s+at /);
});
