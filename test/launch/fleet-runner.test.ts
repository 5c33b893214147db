import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startedOnce, untilFileEnds } from '../e2e/program.js';
import { get } from '../fixtures/http-client.js';
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
