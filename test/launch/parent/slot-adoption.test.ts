import assert from 'node:assert/strict';
import type { SendHandle } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { SlotAdoption } from '../../../dist/launch/parent/reconciler.js';
import type { WorkerHandle } from '../../../dist/launch/parent/worker-handle.js';
import { openListenSockets } from '../../../dist/launch/sockets/listen-sockets.js';
import { startedOnce, untilFileEnds } from '../../e2e/program.js';
import { closedAfter } from '../../fixtures/closed-after.js';
import { fakePool } from '../../fixtures/fake-workers.js';
import { get, refusesAll } from '../../fixtures/http-client.js';
import { temporaryFolder } from '../../fixtures/keeper.js';
import { launchedProgram } from '../../fixtures/running-program.js';

const folder = temporaryFolder('portico-slots-');

const probe = await openListenSockets({ host: '127.0.0.1', port: 0 }, 2);
const skip = probe.descriptors.length === 2 ? false : 'this runtime has no SO_REUSEPORT';
probe.close();

test('PT-1 slots share one port, and another process cannot share it', { skip }, async () => {
  const sockets = await openListenSockets({ host: '127.0.0.1', port: 0 }, 2);
  assert.equal(new Set(sockets.descriptors).size, 2);
  const { port } = sockets.address as { port: number };
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen({ fd: sockets.descriptors[0]! }, resolve));
  await assert.rejects(openListenSockets({ host: '127.0.0.1', port }, 2), { code: 'EADDRINUSE' });
  sockets.grow?.(3);
  assert.equal(new Set(sockets.descriptors).size, 3);
  server.close();
  sockets.close();
});

test('PT-12 time alone changes who helps only while a worker is late, or one helps', async (t) => {
  const opened = closedAfter(t, await openListenSockets({ host: '127.0.0.1', port: 0 }, 2));
  // All slots share one descriptor where the platform has only one.
  const sockets = { ...opened, descriptors: [0, 1].map((slot) => opened.descriptors[slot] ?? opened.descriptors[0]!) };
  const said: string[] = [];
  const worker = (index: number) => ({
    assignment: { index },
    slots: 2,
    serving: true,
    beat: { debugged: false, silentSeconds: 0 },
    served: { at: Number.NEGATIVE_INFINITY },
    helpSlot: (slot: number) => said.push(`${index} helps ${slot}`),
    leaveSlot: (slot: number) => said.push(`${index} leaves ${slot}`),
  });
  const workers = [worker(0), worker(1)];
  const all = workers as unknown as WorkerHandle[];
  const pool = { sockets: [sockets], workers: new Set(all), current: all, firstStart: () => undefined };
  const adoption = new SlotAdoption(pool);
  adoption.update();
  assert.equal(adoption.mayChange, false);
  workers[1]!.beat.silentSeconds = 1.5;
  assert.equal(adoption.mayChange, true);
  adoption.update();
  workers[1]!.beat.silentSeconds = 0;
  assert.equal(adoption.mayChange, true);
  adoption.update();
  assert.deepEqual([said, adoption.mayChange], [['0 helps 1', '0 leaves 1'], false]);
  // The only worker is late, and leaves the slot of the other one; it helps again when it is back.
  said.splice(0);
  pool.workers.delete(all.pop()!);
  adoption.update();
  workers[0]!.beat.silentSeconds = 1.5;
  adoption.update();
  workers[0]!.beat.silentSeconds = 0;
  assert.equal(adoption.mayChange, true);
  adoption.update();
  assert.deepEqual(said, ['0 helps 1', '0 leaves 1', '0 helps 1']);
});

test('PT-12 the slot of a removed worker keeps a helper while a new worker starts in it', async (t) => {
  const sockets = { address: { host: '127.0.0.1', port: 1 }, descriptors: [1, 2], close: () => undefined };
  const handle = {} as SendHandle;
  let starts = true;
  const fake = fakePool('a', (moment, { index }) => moment === 'begin' && index === 1 && !starts, {
    slots: 2,
    sockets: [{ ...sockets, sendable: () => handle }],
  });
  t.after(() => fake.pool.kill());
  await fake.pool.launch(2);
  await fake.pool.resize(1);
  starts = false;
  void fake.pool.resize(2);
  fake.pool.current[0]!.kill('needless');
  const helps = (): boolean =>
    fake.spawned.at(-1)!.heard.some((message) => message.kind === 'adopt' && message.slot === 1);
  while (!helps()) await new Promise(setImmediate);
});

const file = untilFileEnds();
/** A fleet with four workers, for the tests that follow one another and change their number. */
const four = startedOnce(async () => {
  const fleet = await launchedProgram(file, 'fleet', { services: [{ name: 'api', workers: 4 }], control: true });
  const control = (await fleet.event('control')).port as number;
  const resize = (workers: number) => get(control, `/reconfigure?service=api&workers=${workers}`);
  return { fleet, port: await fleet.port('api'), resize };
});

test('PT-9 with slots the busiest of four workers has at most half of 64 connections', { skip }, async () => {
  const { port } = await four();
  const answers = await Promise.all(Array.from({ length: 64 }, () => get<{ pid: number }>(port, '/')));
  const counts = new Map<number, number>();
  for (const { body } of answers) counts.set(body.pid, (counts.get(body.pid) ?? 0) + 1);
  assert.ok(Math.max(...counts.values()) <= 32, JSON.stringify([...counts]));
});

test('PT-9 a fleet that grows from 4 to 6 workers has 6 slots', { skip }, async () => {
  const { fleet, port, resize } = await four();
  await resize(6);
  const held = fleet.children().map((pid) => listeningOn(pid, port));
  assert.equal(new Set(held.flat()).size, 6);
});

test('PT-12 LC-1604 a service that had no worker at all serves all its slots when it gets one', { skip }, async () => {
  const { fleet, port, resize } = await four();
  await resize(0);
  while (fleet.children().length > 0) await fleet.event('worker_exited', fleet.lines.length);
  // They reach all slots and wait there.
  const waiting = Array.from({ length: 40 }, () => get<{ id: number }>(port, '/'));
  await resize(1);
  const answers = await Promise.all(waiting);
  assert.deepEqual(new Set(answers.map(({ body }) => body.id)), new Set([0]));
});

test('PT-12 a slot that cannot keep a worker does not strand its share of the connections', { skip }, async (t) => {
  const failsWith = join(folder, 'fails');
  const fleet = await launchedProgram(t, 'fleet', { services: [{ name: 'api', workers: 2, failsWith }] });
  const port = await fleet.port('api');
  writeFileSync(failsWith, '0');
  const { body: victim } = await get<{ pid: number }>(port, '/');
  const from = fleet.lines.length;
  process.kill(victim.pid, 'SIGKILL');
  await fleet.event('worker_exited', from);
  const answers = await Promise.all(Array.from({ length: 40 }, () => get<{ pid: number }>(port, '/')));
  assert.equal(new Set(answers.map(({ body }) => body.pid)).size, 1);
  rmSync(failsWith);
  await fleet.event('worker_ready', from);
  await fleet.stop();
  await assert.rejects(get(port, '/'), { code: 'ECONNREFUSED' });
});

test('PT-8 PT-3 PH-5 after reloads and resizing, a stop leaves no listening socket behind', { skip }, async (t) => {
  const fleet = await launchedProgram(t, 'fleet', { services: [{ name: 'api', workers: 2 }] });
  const port = await fleet.port('api');
  fleet.kill('SIGTTIN');
  await fleet.line((line) => line.event === 'worker_ready' && line.workerId === 2);
  fleet.kill('SIGTTOU');
  await fleet.line((line) => line.event === 'worker_exited' && line.workerId === 2);
  fleet.kill('SIGTTOU');
  await fleet.line((line) => line.event === 'worker_exited' && line.workerId === 1);
  const all = await Promise.all(Array.from({ length: 30 }, () => get(port, '/')));
  assert.ok(all.every(({ status }) => status === 200));
  fleet.kill('SIGHUP');
  assert.equal((await fleet.event('reload')).outcome, 'accepted');
  const again = await Promise.all(Array.from({ length: 30 }, () => get(port, '/')));
  assert.ok(again.every(({ status }) => status === 200));
  const released = join(folder, 'released');
  const long = get<{ slow: boolean }>(port, `/until?file=${released}`);
  await get(port, '/');
  fleet.kill('SIGTERM');
  // Each connection may reach another slot: no slot listens any more, though a request is in flight.
  await refusesAll(port, 30);
  writeFileSync(released, '');
  assert.equal((await long).body.slow, true);
  assert.equal((await fleet.ended).code, 0);
});

/** The listening sockets of a process on a port, by inode (proc_pid_net(5)). */
function listeningOn(pid: number, port: number): string[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((row) => row.trim().split(/\s+/));
  const inodes = rows
    .filter(([, local = '', , state]) => local.endsWith(wanted) && state === '0A')
    .map((row) => row[9]);
  const open = readdirSync(`/proc/${pid}/fd`).flatMap((name) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${name}`);
    } catch {
      return [];
    }
  });
  return inodes.filter((inode) => open.includes(`socket:[${inode}]`)).map(String);
}
