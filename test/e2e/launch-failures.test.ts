import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { get } from '../fixtures/http-client.js';
import { temporaryFolder } from '../fixtures/keeper.js';
import { launchedProgram, runningProgram } from '../fixtures/running-program.js';

const folder = temporaryFolder('portico-failures-');

test('LC-373 LC-1404 RL-84 a worker that cannot start ends the launch with 1, logged once with its stack', async (t) => {
  const failsWith = join(folder, 'fails');
  writeFileSync(failsWith, '0');
  const fleet = runningProgram(t, 'fleet', {
    services: [
      { name: 'good', workers: 1 },
      { name: 'bad', workers: 2, failsWith },
    ],
  });
  assert.deepEqual(await fleet.ended, { code: 1, signal: null });
  const errors = fleet.lines.filter(({ level }) => level === 'error');
  assert.equal(errors.length, 1, fleet.text());
  assert.match(errors[0]?.msg ?? '', /^Error starting service bad: .*this service cannot start now\n\s+at /);
  assert.equal(errors[0]?.pid, fleet.pid);
  assert.equal(fleet.lines.filter(({ event, service }) => event === 'worker_started' && service === 'good').length, 1);
});

test('LC-373 RL-69 RL-84 a configuration that a worker refuses ends the launch with 78, file and line and no stack', async (t) => {
  const failsWith = join(folder, 'refused.ini');
  writeFileSync(failsWith, '[app]\nsize = large\n');
  const fleet = runningProgram(t, 'fleet', { services: [{ name: 'api', workers: 1, failsWith }] });
  assert.deepEqual(await fleet.ended, { code: 78, signal: null });
  const errors = fleet.lines.filter(({ level }) => level === 'error');
  assert.equal(errors.length, 1, fleet.text());
  assert.match(errors[0]?.msg ?? '', new RegExp(`${failsWith}:2:\\d+: `));
  assert.doesNotMatch(errors[0]?.msg ?? '', /\n\s+at /);
});

test('LC-328 a worker whose application does not launch its service says so and ends with 78', async (t) => {
  const fleet = runningProgram(t, 'fleet', { services: [{ name: 'api', workers: 1, rename: 'apy' }] });
  assert.deepEqual(await fleet.ended, { code: 78, signal: null });
  const [error] = fleet.lines.filter(({ level }) => level === 'error');
  assert.match(error?.msg ?? '', /launched no service called "api"\n {2}It launched "apy"/);
  const exited = fleet.lines.find(({ event }) => event === 'worker_exited');
  assert.equal(exited?.code, 78);
});

test('two services of one name are refused', async (t) => {
  const fleet = runningProgram(t, 'fleet', {
    services: [
      { name: 'api', workers: 1 },
      { name: 'api', workers: 1 },
    ],
  });
  assert.equal((await fleet.ended).code, 1);
  assert.match(fleet.lines.find(({ level }) => level === 'error')?.msg ?? '', /"api" has already been launched/);
});

test('a crash loop is never given up, waits longer each time, says so, and SIGTERM is heard during it', async (t) => {
  const fleet = await launchedProgram(t, 'fleet', { services: [{ name: 'api', workers: 1 }] });
  let from = fleet.lines.length;
  const delays: unknown[] = [];
  for (const pid of fleet.children()) process.kill(pid, 'SIGKILL');
  for (let ends = 1; ends <= 3; ends++) {
    // Each worker is killed as it starts: under load it may need long to become ready.
    const started = await fleet.event('worker_started', from);
    from = fleet.lines.indexOf(started) + 1;
    process.kill(started.pid as number, 'SIGKILL');
    const { delayMs, msg } = await fleet.line(({ delayMs: ms }) => ms !== undefined, from);
    assert.match(String(msg), /has ended \d times in a row soon after its start: starting it again in \d s/);
    delays.push(delayMs);
  }
  assert.deepEqual(delays, [1000, 2000, 4000]);
  await fleet.stop();
});

test('NI-4 a parent without a free descriptor says so, tries again and serves on, whatever max_restarts is', {
  skip: process.platform !== 'linux',
}, async (t) => {
  const options = { settings: { maxRestarts: 1 } };
  const fleet = await launchedProgram(t, 'fleet', { services: [{ name: 'api', workers: 2 }], options });
  const port = await fleet.port('api');
  const [dead, other] = fleet.children();
  /** Sets the soft limit of the parent alone; 3 leaves it standard input, output and error. */
  const limit = (descriptors: number): unknown =>
    execFileSync('prlimit', [`--pid=${fleet.pid}`, `--nofile=${descriptors}:`]);
  limit(3);
  process.kill(dead!, 'SIGKILL');
  const failed = /^Error starting service api: spawn .* EMFILE: the parent has no free file descriptor: LimitNOFILE=/;
  for (let from = 0, tries = 0; tries < 3; tries++) {
    const line = await fleet.line(({ msg = '' }) => failed.test(msg), from);
    assert.equal(line.level, 'error');
    from = fleet.lines.indexOf(line) + 1;
  }
  assert.equal((await get<{ pid: number }>(port, '/')).body.pid, other);
  const from = fleet.lines.length;
  limit(1024);
  await fleet.event('worker_ready', from);
  assert.equal(fleet.children().length, 2);
  await fleet.stop();
});
