/** The parent takes no part in requests, replaces its workers, and scales them on demand. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { connectionsOf, descriptorsOf } from '../e2e/faults/target.js';
import { startedOnce, untilFileEnds } from '../e2e/program.js';
import { get } from '../fixtures/http-client.js';
import { isAlive, launchedProgram, runningProgram } from '../fixtures/running-program.js';

const file = untilFileEnds();
/** A fleet for the tests that follow one another, of which the last one stops it. */
const two = startedOnce(async () => {
  const fleet = await launchedProgram(file, 'fleet', { services: [{ name: 'api', workers: 2 }] });
  return { fleet, port: await fleet.port('api') };
});

test('PT-10 LC-1706 a request costs the parent nothing: it has no connection, and does not wake up for one', async () => {
  const { fleet, port } = await two();
  const wakeUps = (): number =>
    Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(readFileSync(`/proc/${fleet.pid}/status`, 'utf8'))?.[1]);
  const descriptors = descriptorsOf(fleet.pid);
  const begun = performance.now();
  const before = wakeUps();
  for (let round = 0; round < 40; round++) {
    await Promise.all(Array.from({ length: 20 }, () => get(port, '/')));
    assert.equal(connectionsOf(fleet.pid), 0);
  }
  const seconds = (performance.now() - begun) / 1000;
  const woken = wakeUps() - before;
  // A few dozen a second for heartbeats, none for the 800 connections.
  assert.ok(woken < 200 + seconds * 50, `${woken} times for 800 requests in ${seconds.toFixed(1)} s`);
  assert.equal(descriptorsOf(fleet.pid), descriptors);
});

test('RL-19 connections that workers have no time to accept wait in the system, and are served when they have', async () => {
  const { fleet, port } = await two();
  const workers = fleet.children();
  for (const worker of workers) process.kill(worker, 'SIGSTOP');
  const sockets: Socket[] = [];
  try {
    for (let i = 0; i < 400; i++) sockets.push(connect(port, '127.0.0.1'));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  } finally {
    for (const worker of workers) process.kill(worker, 'SIGCONT');
  }
  const answers = sockets.map(async (socket) => {
    let text = '';
    socket.on('data', (piece: Buffer) => {
      text += piece.toString();
    });
    socket.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    await once(socket, 'close');
    return text.startsWith('HTTP/1.1 200 ');
  });
  assert.deepEqual(new Set(await Promise.all(answers)), new Set([true]));
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

test('PT-10 LC-1706 while the parent is stopped by SIGSTOP its workers serve everybody', async () => {
  const { fleet, port } = await two();
  process.kill(fleet.pid, 'SIGSTOP');
  try {
    for (let round = 0; round < 15; round++) {
      const answers = await Promise.all(Array.from({ length: 20 }, () => get<{ pid: number }>(port, '/')));
      assert.ok(answers.every(({ status, body }) => status === 200 && body.pid !== fleet.pid));
    }
  } finally {
    process.kill(fleet.pid, 'SIGCONT');
  }
  await fleet.stop();
});

test('LC-1604 LC-303 an application can have more workers or fewer, none included, of one service and not of others', async (t) => {
  const fleet = runningProgram(t, 'fleet', {
    services: [
      { name: 'api', workers: 2 },
      { name: 'other', workers: 1 },
    ],
    control: true,
  });
  const control = (await fleet.event('control')).port as number;
  const port = await fleet.port('api');
  const { body: other } = await get<{ pid: number }>(await fleet.port('other'), '/');
  const ids = (from: number, event: string): unknown[] =>
    fleet.lines
      .slice(from)
      .filter((line) => line.event === event)
      .map(({ workerId }) => workerId);
  const change = (workers: number | string, service = 'api') =>
    get<{ error?: { name: string; code: string; message: string } }>(
      control,
      `/reconfigure?service=${service}&workers=${workers}`,
    );

  let from = fleet.lines.length;
  assert.deepEqual((await change(4)).body, {});
  assert.deepEqual(ids(from, 'worker_ready').toSorted(), [2, 3]);
  assert.equal(fleet.children().length, 5);

  from = fleet.lines.length;
  const slow = get<{ slow: boolean }>(port, '/slow?ms=1000');
  await get(port, '/');
  await change(1);
  while (ids(from, 'worker_exited').length < 3) await fleet.event('worker_exited', fleet.lines.length);
  assert.deepEqual(ids(from, 'worker_exited').toSorted(), [1, 2, 3]);
  assert.ok(fleet.lines.slice(from).every(({ event, code }) => event !== 'worker_exited' || code === 0));
  assert.equal((await slow).body.slow, true, 'those that go end their requests');

  from = fleet.lines.length;
  await change(0);
  await fleet.line(({ event, workerId }) => event === 'worker_exited' && workerId === 0, from);
  const waiting = get<{ id: number }>(port, '/');
  await change(1);
  assert.equal((await waiting).body.id, 0, 'meanwhile connections wait');

  assert.equal((await change(1, 'nope')).body.error?.message, "nope service id doesn't exists");
  assert.equal((await change(-1)).body.error?.name, 'RangeError');
  assert.equal((await change('many')).body.error?.name, 'TypeError');
  assert.equal((await get<{ pid: number }>(await fleet.port('other'), '/')).body.pid, other.pid);
});
