import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { startedOnce, untilFileEnds } from '../e2e/program.js';
import { get } from '../fixtures/http-client.js';
import { temporaryFolder } from '../fixtures/keeper.js';
import { isAlive, RunningProgram } from '../fixtures/running-program.js';

const file = untilFileEnds();
/** One fleet for the tests that follow one another, of which the last one stops it. */
const two = startedOnce(async () => {
  const fleet = new RunningProgram('fleet', { services: [{ name: 'api', workers: 2 }] });
  file.after(() => fleet.cleanUp());
  await fleet.event('launched');
  return { fleet, port: await fleet.port('api') };
});

test('LC-303 LC-305 LC-1601 PT-1 all workers serve one port, each under its own id', async () => {
  const { fleet, port } = await two();
  assert.equal(fleet.children().length, 2);
  const seen = new Set<number>();
  while (seen.size < 2) {
    const answers = await Promise.all(Array.from({ length: 8 }, () => get<{ pid: number }>(port, '/')));
    for (const { body } of answers) seen.add(body.pid);
  }
  assert.deepEqual(seen, new Set(fleet.children()));
  const { body } = await get<Record<string, string>>(port, '/env');
  assert.match(body.PORTICO_WORKER_ID ?? '', /^[01]$/);
  assert.equal(body.PORTICO_WORKER, undefined);
});

test('LC-325 LC-326 LC-322 LC-532 a worker that is killed or terminated is replaced under the same id', async () => {
  const { fleet } = await two();
  for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
    const from = fleet.lines.length;
    const [victim, sibling] = fleet.children();
    process.kill(victim!, signal);
    const exit = await fleet.event('worker_exited', from);
    assert.equal(exit.pid, victim);
    assert.equal(exit.level, signal === 'SIGKILL' ? 'warn' : 'info');
    assert.equal(exit.signal, signal === 'SIGKILL' ? 'SIGKILL' : null);
    const ready = await fleet.event('worker_ready', from);
    assert.equal(ready.workerId, exit.workerId);
    assert.ok(isAlive(sibling!));
  }
});

test('LC-511 LC-371 RL-80 SIGTERM stops all workers and ends with 0; LC-543 LC-1901 a request under way when it comes gets its whole answer', async () => {
  const { fleet, port } = await two();
  const workers = fleet.children();
  const from = fleet.lines.length;
  const released = join(temporaryFolder('portico-fleet-'), 'released');
  const slow = get<{ slow: boolean }>(port, `/until?file=${released}`);
  await get(port, '/');
  fleet.kill('SIGTERM');
  for (const worker of workers) await fleet.line(({ event, pid }) => event === 'service_stop' && pid === worker);
  writeFileSync(released, '');
  const { body, headers } = await slow;
  assert.equal(body.slow, true);
  assert.equal(headers.connection, 'close');
  assert.deepEqual(await fleet.ended, { code: 0, signal: null });
  assert.deepEqual(workers.filter(isAlive), []);
  const exits = fleet.lines.slice(from).filter((line) => line.event === 'worker_exited');
  assert.deepEqual(
    exits.map(({ code, signal, service }) => ({ code, signal, service })),
    [
      { code: 0, signal: null, service: 'api' },
      { code: 0, signal: null, service: 'api' },
    ],
  );
  const after = fleet.lines.filter((line) => line.event === 'after_wait').map(({ role }) => role);
  assert.deepEqual(after, ['parent'], 'code after wait() runs in the parent alone');
});

test('LC-1 RL-68 PT-1 a port that is taken ends the launch with 1 and starts no worker', async (t) => {
  const other = net.createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  t.after(() => other.close());
  const { port } = other.address() as net.AddressInfo;
  const fleet = new RunningProgram('fleet', { services: [{ name: 'api', workers: 2, port }] });
  t.after(() => fleet.cleanUp());
  assert.equal((await fleet.ended).code, 1);
  const error = fleet.lines.find((line) => line.level === 'error');
  assert.match(error?.msg ?? '', /api/);
  assert.match(JSON.stringify(error), new RegExp(`127\\.0\\.0\\.1:${port}`));
  assert.equal(fleet.lines.filter((line) => line.event === 'worker_started').length, 0);
});
