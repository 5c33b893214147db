/** The order of a stop, and the work of the parent during it. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { get, refusesAll } from '../fixtures/http-client.js';
import { temporaryFolder } from '../fixtures/keeper.js';
import { isAlive, launchedProgram } from '../fixtures/running-program.js';

const folder = temporaryFolder('portico-stopping-');

async function running(t: TestContext, plan: object = {}, workers = 2) {
  const fleet = await launchedProgram(t, 'fleet', { services: [{ name: 'api', workers }], ...plan });
  return { fleet, port: await fleet.port('api'), workers: fleet.children() };
}

/** Reports whether a process sleeps, by its state in proc_pid_stat(5). */
function sleeps(pid: number): boolean {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat[stat.lastIndexOf(')') + 2] === 'S';
}

/** The number of voluntary context switches of a process: how often it went to sleep. */
function wakeUps(pid: number): number {
  return Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test('LC-302 LC-1910 an idle parent wakes up for the signs of life of its workers, whatever wait_interval asks for; LC-352 LC-1902 LC-541 after SIGTERM, once a new connection is refused all are, while a response is still being sent; LC-353 LC-1910 meanwhile the parent sleeps; LC-521 LC-371 it ends with 0, as its workers do', async (t) => {
  const { fleet, port, workers } = await running(t, { options: { waitInterval: 0.001 } });
  const before = wakeUps(fleet.pid);
  await pause(2000);
  const woken = wakeUps(fleet.pid) - before;
  // Each second has one heartbeat per worker and one check, each of which may wake the parent a few times. Polling would be 2,000.
  assert.ok(woken < 100, `${woken} times in 2 s with ${workers.length} workers`);

  const released = join(folder, 'released');
  const slow = get<{ slow: boolean }>(port, `/until?file=${released}`);
  await get(port, '/');
  fleet.kill('SIGTERM');
  await refusesAll(port, 20);
  await fleet.event('worker_exited');
  // One that waits in a loop never does.
  for (let seen = 0; seen < 20; await turn()) if (sleeps(fleet.pid)) seen += 1;
  assert.ok(isAlive(fleet.pid));
  writeFileSync(released, '');
  assert.equal((await slow).body.slow, true);
  assert.deepEqual(await fleet.ended, { code: 0, signal: null });
  const exits = fleet.lines.filter(({ event }) => event === 'worker_exited').map(({ code }) => code);
  assert.deepEqual(exits, [0, 0]);
});

test('LC-356 LC-512 with graceful_shutdown_timeout 0 a stop waits without limit, and says so when it is asked again', async (t) => {
  const { fleet, port } = await running(t, { options: { settings: { gracefulShutdownTimeoutMs: 0 } } }, 1);
  const slow = get<{ slow: boolean }>(port, '/slow?ms=2500');
  await get(port, '/');
  fleet.kill('SIGTERM');
  await fleet.line(({ msg }) => msg === 'Caught SIGTERM, stopping');
  fleet.kill('SIGTERM');
  await fleet.line(({ msg }) => msg === 'Caught SIGTERM again; already stopping, time left: no limit');
  assert.equal((await slow).body.slow, true);
  assert.deepEqual(await fleet.ended, { code: 0, signal: null });
});

test('LC-354 LC-355 RL-71 what a worker cuts off as it ends for an error is no clean stop, whatever its own status', async (t) => {
  const settings = { gracefulShutdownTimeoutMs: 1500 };
  const { fleet, port, workers } = await running(t, { options: { settings } }, 1);
  const held = get(port, '/slow?ms=20000').catch(() => undefined);
  // On the same worker, so it runs after the first request.
  await get(port, '/throw');
  await fleet.line((line) => line.level === 'error' && /nobody handles this/.test(JSON.stringify(line)));
  fleet.kill('SIGTERM');
  assert.deepEqual(await fleet.ended, { code: 1, signal: null }, fleet.text());
  await held;
  // If it had ended before the stop began, another worker would have replaced it.
  const exits = fleet.lines.filter(({ event, pid }) => event === 'worker_exited' && pid === workers[0]);
  const codes = exits.map(({ code }) => code);
  assert.deepEqual(codes, [2]);
  const cut = fleet.lines.filter(({ msg }) => msg === 'Graceful shutdown timeout exceeded');
  assert.equal(cut.length, 1, fleet.text());
  assert.match(JSON.stringify(cut[0]), /"busy":\[[^\]]*slow/);
});

test('LC-358 a stop that the application asks for ends wait() as a signal does: 0 when all ended in time, else 1; LC-352 LC-1905 the parent calls stop of no service: one that hangs there cannot keep the signal from the workers', async (t) => {
  for (const [settings, expected] of [
    [{}, 0],
    [{ gracefulShutdownTimeoutMs: 300 }, 1],
  ] as const) {
    const { fleet, port, workers } = await running(t, { control: true, stuckInParent: true, options: { settings } }, 1);
    const control = (await fleet.event('control')).port as number;
    const slow = get(port, `/slow?ms=${expected === 0 ? 500 : 20_000}`).catch(() => undefined);
    await get(port, '/');
    void get(control, '/stop').catch(() => undefined);
    assert.deepEqual(await fleet.ended, { code: expected, signal: null }, fleet.text());
    await slow;
    assert.deepEqual(workers.filter(isAlive), []);
    assert.equal(fleet.lines.filter(({ event, role }) => event === 'after_wait' && role === 'parent').length, 1);
    const stopped = fleet.lines.filter(({ event }) => event === 'service_stop').map(({ pid }) => pid);
    assert.deepEqual(new Set(stopped), new Set(workers));
  }
});

test('LC-1707 a worker that is frozen, and so closes no channel, is killed at the deadline all the same', async (t) => {
  const { fleet, workers } = await running(t, { options: { settings: { gracefulShutdownTimeoutMs: 300 } } });
  process.kill(workers[0]!, 'SIGSTOP');
  fleet.kill('SIGTERM');
  assert.deepEqual(await fleet.ended, { code: 1, signal: null });
  const exits = fleet.lines.filter(({ event }) => event === 'worker_exited');
  assert.deepEqual(
    exits.map(({ pid, code, signal }) => ({ pid, code, signal })).toSorted((a, b) => Number(b.code) - Number(a.code)),
    [
      { pid: workers[1], code: 0, signal: null },
      { pid: workers[0], code: null, signal: 'SIGKILL' },
    ],
  );
  assert.deepEqual(workers.filter(isAlive), []);
});

test('LC-1612 LC-513 LC-322 LC-372 LC-523 LC-1415 LC-1907 RL-83 SIGINT to the whole group, as a terminal sends it, ends everything with 1, and the log has the end of each worker at info: the parent has killed it as it was told to', async (t) => {
  const { fleet, port, workers } = await running(t);
  get(port, '/slow?ms=20000').catch(() => undefined);
  await get(port, '/');
  process.kill(-fleet.pid, 'SIGINT');
  assert.deepEqual(await fleet.ended, { code: 1, signal: null });
  assert.deepEqual(workers.filter(isAlive), []);
  const exits = fleet.lines.filter(({ event }) => event === 'worker_exited');
  assert.deepEqual(
    exits.map(({ level, signal }) => [level, signal]),
    workers.map(() => ['info', 'SIGKILL']),
  );
});
