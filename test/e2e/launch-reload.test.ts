import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { get } from '../fixtures/http-client.js';
import { temporaryFolder } from '../fixtures/keeper.js';
import { load } from '../fixtures/load.js';
import { isAlive, RunningProgram } from '../fixtures/running-program.js';

const folder = temporaryFolder('portico-reload-');

test('LC-515 LC-524 PT-3 RL-65 SIGHUP replaces all workers under load, and no request is lost', async (t) => {
  const fleet = new RunningProgram('fleet', { services: [{ name: 'api', workers: 2 }] });
  t.after(() => fleet.cleanUp());
  await fleet.event('launched');
  const before = fleet.children();
  const stop = load(await fleet.port('api'), 4);
  fleet.kill('SIGHUP');
  const report = await fleet.event('reload');
  assert.equal(report.outcome, 'accepted');
  assert.equal(report.generation, 2);
  assert.deepEqual(report.replaced, { api: 2 });
  await get(await fleet.port('api'), '/');
  const { answered, failed } = await stop();
  assert.deepEqual(failed, {});
  assert.ok(answered > 0);
  const { body } = await get<{ pid: number; generation: number }>(await fleet.port('api'), '/');
  assert.ok(!before.includes(body.pid));
  assert.equal(body.generation, 2);
});

test('LC-515 PT-5 a new worker is ready before an old one is told to stop', async (t) => {
  const fleet = new RunningProgram('fleet', { services: [{ name: 'api', workers: 2 }] });
  t.after(() => fleet.cleanUp());
  await fleet.event('launched');
  const from = fleet.lines.length;
  fleet.kill('SIGHUP');
  await fleet.event('reload');
  let serving = 2;
  for (const { event } of fleet.lines.slice(from)) {
    if (event === 'worker_ready') serving += 1;
    if (event === 'worker_exited') serving -= 1;
    assert.ok(serving >= 2);
  }
});

test('RL-66 PT-5 when the new workers cannot start, the old ones stay and one error says why', async (t) => {
  const failsWith = join(folder, 'broken');
  const fleet = new RunningProgram('fleet', {
    services: [
      { name: 'api', workers: 2, failsWith },
      { name: 'other', workers: 1 },
    ],
  });
  t.after(() => fleet.cleanUp());
  await fleet.event('launched');
  const before = fleet.children();
  writeFileSync(failsWith, '');
  fleet.kill('SIGHUP');
  const report = await fleet.event('reload');
  assert.equal(report.outcome, 'refused');
  assert.equal(report.generation, 1);
  assert.match(String(report.error), /this service cannot start now/);
  assert.equal(fleet.lines.filter((line) => line.level === 'error').length, 1);
  for (const pid of before) assert.ok(isAlive(pid));
  const from = fleet.lines.length;
  rmSync(failsWith);
  fleet.kill('SIGHUP');
  assert.equal((await fleet.event('reload', from)).outcome, 'accepted');
});

test('RL-67 a later worker that fails is tried again until it starts', async (t) => {
  const failsWith = join(folder, 'broken-second');
  const fleet = new RunningProgram('fleet', { services: [{ name: 'api', workers: 2, failsWith }] });
  t.after(() => fleet.cleanUp());
  await fleet.event('launched');
  writeFileSync(failsWith, '1');
  fleet.kill('SIGHUP');
  await fleet.line(({ msg }) => /worker 1 of service api was not replaced.*trying again/s.test(msg ?? ''));
  rmSync(failsWith);
  const report = await fleet.event('reload');
  assert.equal(report.outcome, 'accepted');
  assert.deepEqual(report.replaced, { api: 2 });
});

test('RL-67 after reload_timeout a reload is given up, and the old worker stays', async (t) => {
  const failsWith = join(folder, 'broken-for-good');
  const fleet = new RunningProgram('fleet', {
    services: [{ name: 'api', workers: 2, failsWith }],
    options: { settings: { reloadTimeoutMs: 1 } },
  });
  t.after(() => fleet.cleanUp());
  await fleet.event('launched');
  writeFileSync(failsWith, '1');
  fleet.kill('SIGHUP');
  const report = await fleet.event('reload');
  rmSync(failsWith);
  assert.equal(report.outcome, 'incomplete');
  assert.match(String(report.error), /worker 1 of service api was not replaced/);
  assert.deepEqual(report.replaced, { api: 1 });
});

test('LC-518 CF-88 however often SIGHUP comes during a reload, exactly one more follows', async (t) => {
  const fleet = new RunningProgram('fleet', { services: [{ name: 'api', workers: 1 }] });
  t.after(() => fleet.cleanUp());
  await fleet.event('launched');
  fleet.kill('SIGHUP');
  await fleet.event('worker_started', fleet.lines.length);
  for (let i = 0; i < 3; i++) {
    const caught = fleet.lines.length;
    fleet.kill('SIGHUP');
    await fleet.line(({ msg }) => msg === 'Caught SIGHUP, restarting', caught);
  }
  const first = await fleet.event('reload');
  const second = await fleet.event('reload', fleet.lines.indexOf(first) + 1);
  assert.equal(second.generation, 3);
  fleet.kill('SIGTERM');
  assert.equal((await fleet.ended).code, 0);
  assert.equal(fleet.lines.filter((line) => line.event === 'reload').length, 2);
});

test('LC-519 LC-1908 SIGTERM during a reload abandons it and is never lost', async (t) => {
  const fleet = new RunningProgram('fleet', { services: [{ name: 'api', workers: 2 }] });
  t.after(() => fleet.cleanUp());
  await fleet.event('launched');
  fleet.kill('SIGHUP');
  fleet.kill('SIGTERM');
  assert.deepEqual(await fleet.ended, { code: 0, signal: null });
});

test('LC-516 LC-525 LC-1918 with restart_method mutate no worker is replaced; each is reset once, the parent never', async (t) => {
  const fleet = new RunningProgram('fleet', {
    services: [{ name: 'api', workers: 2 }],
    options: { restartMethod: 'mutate' },
  });
  t.after(() => fleet.cleanUp());
  await fleet.event('launched');
  const before = fleet.children();
  fleet.kill('SIGHUP');
  const report = await fleet.event('reload');
  assert.equal(report.outcome, 'accepted');
  assert.deepEqual(fleet.children(), before);
  const resets = fleet.lines.filter((line) => line.event === 'reset');
  assert.equal(resets.length, 2);
  assert.deepEqual(new Set(resets.map(({ workerId }) => workerId)), new Set([0, 1]));
});

test('PT-13 a worker with a long request does not hold up the reload', async (t) => {
  const fleet = new RunningProgram('fleet', { services: [{ name: 'api', workers: 1 }] });
  t.after(() => fleet.cleanUp());
  await fleet.event('launched');
  const port = await fleet.port('api');
  const released = join(folder, 'released');
  const long = get<{ slow: boolean; pid: number }>(port, `/until?file=${released}`);
  const { body: old } = await get<{ pid: number }>(port, '/');
  fleet.kill('SIGHUP');
  await fleet.event('reload');
  const { body } = await get<{ generation: number }>(port, '/');
  assert.equal(body.generation, 2);
  assert.ok(isAlive(old.pid), 'the old worker is still at work');
  writeFileSync(released, '');
  assert.equal((await long).body.pid, old.pid);
});

test('CF-92 OP-86 a program that asks for another number of workers gets it on reload', async (t) => {
  const workersFrom = join(folder, 'workers');
  writeFileSync(workersFrom, '1');
  const fleet = new RunningProgram('fleet', { services: [{ name: 'api', workers: 1, workersFrom }] });
  t.after(() => fleet.cleanUp());
  await fleet.event('launched');
  for (const count of ['3', '2']) {
    const from = fleet.lines.length;
    writeFileSync(workersFrom, count);
    fleet.kill('SIGHUP');
    await fleet.event('reload', from);
    const { body } = await get<{ id: number }>(await fleet.port('api'), '/');
    assert.ok(body.id < 3);
    const ready = new Set(
      fleet.lines
        .slice(from)
        .filter(({ event }) => event === 'worker_ready')
        .map((line) => line.workerId),
    );
    assert.deepEqual(ready, new Set(count === '3' ? [0, 1, 2] : [0, 1]));
  }
});

test('a worker that asks for a replacement gets one, and serves until that is ready', async (t) => {
  const fleet = new RunningProgram('fleet', { services: [{ name: 'api', workers: 1 }] });
  t.after(() => fleet.cleanUp());
  await fleet.event('launched');
  const from = fleet.lines.length;
  const port = await fleet.port('api');
  const { body } = await get<{ pid: number }>(port, '/replace');
  const ready = await fleet.event('worker_ready', from);
  const exited = await fleet.event('worker_exited', from);
  assert.equal(exited.pid, body.pid);
  assert.equal(ready.workerId, 0);
  assert.equal(exited.code, 0);
  assert.ok(fleet.lines.indexOf(ready) < fleet.lines.indexOf(exited));
  assert.notEqual((await get<{ pid: number }>(port, '/')).body.pid, body.pid);
});
