import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { get } from '../fixtures/http-client.js';
import { launchedProgram } from '../fixtures/running-program.js';
import { startedOnce, untilFileEnds } from './program.js';

const file = untilFileEnds();

/** A fleet with one worker, for the tests, of which the last one stops it. They follow one another. */
const lasting = startedOnce(async () => {
  const fleet = await launchedProgram(file, 'fleet', { services: [{ name: 'api', workers: 1 }], control: true });
  return { fleet, port: await fleet.port('api'), workers: fleet.children() };
});

describe('of one fleet', { concurrency: 1 }, () => {
  test('LC-1704 a worker ignores SIGINT, which a terminal sends to the whole group', async () => {
    const { fleet, port, workers } = await lasting();
    process.kill(workers[0]!, 'SIGINT');
    assert.equal((await get<{ pid: number }>(port, '/')).body.pid, workers[0]);
    process.kill(workers[0]!, 'SIGINT');
    assert.equal((await get<{ pid: number }>(port, '/')).body.pid, workers[0]);
    assert.deepEqual(fleet.children(), workers);
  });

  test('LC-533 SIGHUP to one worker has its parent replace it, and concerns nobody else', async () => {
    const { fleet, port, workers } = await lasting();
    process.kill(workers[0]!, 'SIGHUP');
    const said = await fleet.line(({ msg }) => msg?.startsWith('Caught SIGHUP'));
    assert.match(said.msg!, /^Caught SIGHUP, asking the parent to replace this worker; to reload/);
    await fleet.line(({ msg }) => msg === `Replacing child ${workers[0]}: it was asked to reload`);
    const { pid } = await fleet.line((line) => line.event === 'worker_exited' && line.pid === workers[0]);
    assert.equal(pid, workers[0]);
    const served = (await get<{ pid: number; generation: number }>(port, '/')).body;
    assert.deepEqual(fleet.children(), [served.pid]);
    assert.equal(served.generation, 1);
    assert.equal(fleet.lines.filter((line) => line.event === 'reload').length, 0);
  });

  test('LC-533 SIGHUP to the whole process group replaces each worker once', async () => {
    const { fleet } = await lasting();
    const workers = fleet.children();
    const from = fleet.lines.length;
    process.kill(-fleet.pid, 'SIGHUP');
    await fleet.event('reload', from);
    for (const pid of workers) await fleet.line((line) => line.event === 'worker_exited' && line.pid === pid, from);
    await fleet.line(({ msg }) => msg?.includes('asking the parent to replace this worker'), from);
    const starts = fleet.lines.slice(from).filter(({ event }) => event === 'worker_ready');
    assert.equal(starts.length, workers.length);
    assert.equal(fleet.lines.slice(from).filter(({ msg }) => msg?.startsWith('Replacing child')).length, 0);
  });

  test('LC-538 SIGTTIN is one worker more, SIGTTOU one fewer, never below one', async () => {
    const { fleet } = await lasting();
    fleet.kill('SIGTTIN');
    const ready = await fleet.line((line) => line.event === 'worker_ready' && line.workerId === 1);
    assert.ok(ready);
    fleet.kill('SIGTTOU');
    const exited = await fleet.line((line) => line.event === 'worker_exited' && line.workerId === 1);
    assert.equal(exited.code, 0);
    fleet.kill('SIGTTOU');
    await fleet.line(({ msg }) => msg === 'Service api keeps its 1 worker');
    await get(await fleet.port('api'), '/');
    assert.equal(fleet.children().length, 1);
    const said = fleet.lines.flatMap(({ msg = '', service }) =>
      msg.startsWith('Service api') ? [[msg, service]] : [],
    );
    assert.deepEqual(said, [
      ['Service api: 1 -> 2 workers', 'api'],
      ['Service api: 2 -> 1 workers', 'api'],
      ['Service api keeps its 1 worker', 'api'],
    ]);
  });

  test('LC-512 LC-522 LC-1906 RL-82 a second SIGTERM is ignored with the time left, and cuts nothing', async () => {
    const { fleet, port } = await lasting();
    const slow = get<{ slow: boolean }>(port, '/slow?ms=800');
    await get(port, '/');
    fleet.kill('SIGTERM');
    await fleet.line(({ msg }) => msg === 'Caught SIGTERM, stopping');
    fleet.kill('SIGTERM');
    const line = await fleet.line(({ msg }) => msg?.startsWith('Caught SIGTERM again'));
    assert.match(line.msg ?? '', /time left: \d+\.\d s$/);
    assert.equal((await slow).body.slow, true);
    assert.deepEqual(await fleet.ended, { code: 0, signal: null });
  });
});
