import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { get } from '../fixtures/http-client.js';
import { temporaryFolder } from '../fixtures/keeper.js';
import { isAlive, type LogLine, launchedProgram, type RunningProgram } from '../fixtures/running-program.js';
import { startedOnce, untilFileEnds } from './program.js';

const folder = temporaryFolder('portico-reload-');
const file = untilFileEnds();

/** For the tests that replace one worker. */
const one = startedOnce(() => launched({ services: [{ name: 'api', workers: 1 }] }));

async function launched(plan: object): Promise<RunningProgram> {
  const fleet = await launchedProgram(file, 'fleet', plan);
  return fleet;
}

/** Sends SIGHUP, and returns the report of the reload. */
async function reload(fleet: RunningProgram): Promise<LogLine> {
  const from = fleet.lines.length;
  fleet.kill('SIGHUP');
  return fleet.event('reload', from);
}

/** Settles once these processes have been awaited. */
async function exited(fleet: RunningProgram, pids: readonly number[]): Promise<void> {
  for (const pid of pids) await fleet.line(({ event, pid: of }) => event === 'worker_exited' && of === pid);
}

test('a worker that asks for a replacement gets one, and serves until that is ready', async () => {
  const fleet = await one();
  const from = fleet.lines.length;
  const port = await fleet.port('api');
  const { body } = await get<{ pid: number }>(port, '/replace');
  const ready = await fleet.event('worker_ready', from);
  const left = await fleet.event('worker_exited', from);
  assert.equal(left.pid, body.pid);
  assert.equal(ready.workerId, 0);
  assert.equal(left.code, 0);
  assert.ok(fleet.lines.indexOf(ready) < fleet.lines.indexOf(left));
  assert.notEqual((await get<{ pid: number }>(port, '/')).body.pid, body.pid);
});

test('PT-13 a worker with a long request does not hold up the reload', async () => {
  const fleet = await one();
  const port = await fleet.port('api');
  const released = join(folder, 'released');
  const long = get<{ slow: boolean; pid: number }>(port, `/until?file=${released}`);
  const { body: old } = await get<{ pid: number }>(port, '/');
  const { generation } = await reload(fleet);
  const { body } = await get<{ generation: number }>(port, '/');
  assert.equal(body.generation, generation);
  assert.ok(isAlive(old.pid), 'the old worker is still at work');
  writeFileSync(released, '');
  assert.equal((await long).body.pid, old.pid);
  await exited(fleet, [old.pid]);
});

test('LC-518 CF-88 however often SIGHUP comes during a reload, exactly one more follows; LC-528 a SIGTERM behind them counts', async () => {
  const fleet = await one();
  const from = fleet.lines.length;
  fleet.kill('SIGHUP');
  await fleet.event('worker_started', from);
  for (let i = 0; i < 3; i++) {
    const caught = fleet.lines.length;
    fleet.kill('SIGHUP');
    await fleet.line(({ msg }) => msg === 'Caught SIGHUP, restarting', caught);
  }
  const first = await fleet.event('reload', from);
  const second = await fleet.event('reload', fleet.lines.indexOf(first) + 1);
  assert.equal(second.generation, Number(first.generation) + 1);
  assert.equal((await get(await fleet.port('api'), '/')).status, 200);
  assert.equal(fleet.lines.slice(from).filter((line) => line.event === 'reload').length, 2);
  fleet.kill('SIGHUP');
  fleet.kill('SIGHUP');
  await fleet.stop();
});
