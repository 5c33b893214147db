/** After any sequence of events each slot has one serving worker with the configuration in force. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { silentLogger } from '#internal/log';
import { endEarly, endWithin } from '../../../dist/launch/parent/worker-end.js';
import { WorkerHandle } from '../../../dist/launch/parent/worker-handle.js';
import { OomKills } from '../../../dist/launch/parent/worker-memory.js';
import { WorkerPool } from '../../../dist/launch/parent/worker-pool.js';
import type { ListenSockets } from '../../../dist/launch/sockets/listen-sockets.js';
import { describeEnd } from '../../../dist/operating/status.js';
import { type FakePool, FakeWorker, fakePool, generation, type Moment } from '../../fixtures/fake-workers.js';
import { temporaryFolder } from '../../fixtures/keeper.js';
import { memoryLog } from '../../server/memory-log.js';

const HUNG = { reason: 'stuck', what: 'sent no heartbeat for 1 s' } as const;

async function launched(
  t: TestContext,
  workers: number,
  on?: (moment: Moment, worker: FakeWorker) => unknown,
): Promise<FakePool> {
  const fake = fakePool('a', on);
  t.after(() => fake.pool.kill());
  await fake.pool.launch(workers);
  return fake;
}

/** Runs one reload. Returns true if it is accepted. */
async function reload({ pool }: FakePool, number: number): Promise<boolean> {
  try {
    const { ready } = await pool.prove(generation(number), pool.wanted);
    await ready;
  } catch {
    pool.endTrial();
    return false;
  }
  pool.generation = generation(number);
  await pool.rollOut(undefined, () => false);
  return true;
}

/** The generation of the serving worker, by slot. */
function serving({ pool }: FakePool): number[] {
  return pool.current.filter((worker) => worker.serving).map(({ assignment }) => assignment.generation);
}

async function quiet(fake: FakePool): Promise<void> {
  while (fake.pool.workers.size !== fake.pool.wanted || serving(fake).length !== fake.pool.wanted) await turn();
}

test('GR-10 a roll of a large fleet replaces several workers at a time, and as many as before serve at each moment', async (t) => {
  for (const [workers, processors, most] of [
    [16, 8, 4],
    [16, 4, 2],
    [16, 1, 1],
    [4, 8, 1],
  ] as const) {
    let together = 0;
    let least = Number.POSITIVE_INFINITY;
    const on = (moment: Moment): void => {
      const starting = fake.spawned.filter(({ told, handle }) => told.generation === 2 && handle.served === undefined);
      together = Math.max(together, starting.length);
      if (moment === 'drain') least = Math.min(least, serving(fake).length);
    };
    const fake: FakePool = fakePool('a', on, { processors });
    t.after(() => fake.pool.kill());
    await fake.pool.launch(workers);
    assert.equal(await reload(fake, 2), true);
    await quiet(fake);
    assert.deepEqual(
      serving(fake),
      Array.from({ length: workers }, () => 2),
    );
    assert.deepEqual([together, least], [most, workers]);
  }
});

test('LC-1604 a worker added during the launch that does not start fails no launch, and is retried', async (t) => {
  let begin!: () => void;
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  let fails = true;
  const fake = fakePool('a', (moment, worker) => {
    if (moment !== 'begin') return undefined;
    if (worker.index === 0 && fails) void begun.then(() => worker.say({ kind: 'ready' }));
    else if (fails) worker.end(1);
    return fails;
  });
  t.after(() => fake.pool.kill());
  const launching = fake.pool.launch(1);
  await fake.pool.resize(2);
  fails = false;
  begin();
  await launching;
  await quiet(fake);
  fake.pool.killFor(fake.pool.current[0]!, HUNG);
  await quiet(fake);
  assert.deepEqual(serving(fake), [1, 1]);
});

for (const [what, stuck] of [
  ['a launch', 2],
  ['a launch whose second try is stuck too', 3],
] as const) {
  test(`${what}: after a start that is stuck the next one begins with a watch thread, once`, async (t) => {
    const watched: boolean[] = [];
    const fake: FakePool = fakePool('a', (moment, worker) => {
      if (moment !== 'begin') return undefined;
      watched.push(fake.pool.watchesStart(0));
      if (fake.spawned.length >= stuck) return undefined;
      fake.pool.killFor(worker.handle, HUNG);
      return true;
    });
    t.after(() => fake.pool.kill());
    const launched = fake.pool.launch(1);
    if (stuck === 3) await assert.rejects(launched, /sent no heartbeat for 1 s and was killed/);
    else {
      await launched;
      // Its successor is not stuck in its start.
      fake.pool.killFor(fake.pool.current[0]!, HUNG);
      await quiet(fake);
    }
    assert.deepEqual(watched, stuck === 3 ? [false, true] : [false, true, false]);
  });
}

test('LC-357 a worker of a removed slot that does not end its drain is killed after its deadline', async (t) => {
  const first = generation(1, { gracefulShutdownTimeoutMs: 1 });
  const { pool, spawned } = fakePool('a', (moment) => moment === 'drain', { first });
  t.after(() => pool.kill());
  await pool.launch(2);
  await pool.resize(1);
  assert.equal((await spawned[1]!.handle.exited).signal, 'SIGKILL');
});

/** A worker that ends only when it is killed. */
function stuck(facts: { served?: object; ready?: Promise<void>; dismissed?: boolean }): WorkerHandle {
  let end!: (exit: unknown) => void;
  const worker = {
    assignment: { service: 'api', index: 0 },
    killedFor: undefined as unknown,
    beat: {},
    heldRequests: [],
    ready: new Promise(() => undefined),
    ...facts,
    exited: new Promise((resolve) => {
      end = resolve;
    }),
    kill: (why: unknown) => {
      worker.killedFor = why;
      end({ code: null, signal: 'SIGKILL' });
    },
  };
  return worker as unknown as WorkerHandle;
}

/** The milliseconds until the worker is killed, and whether its end is clean. */
async function killedAfter(
  t: TestContext,
  worker: WorkerHandle,
  end: () => Promise<boolean>,
): Promise<{ ms: number; clean: boolean }> {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const ended = end();
  let ms = 0;
  for (; worker.killedFor === undefined && ms < 20_000; ms += 100) {
    t.mock.timers.tick(100);
    for (let i = 0; i < 5; i++) await Promise.resolve();
  }
  t.mock.timers.reset();
  return { ms, clean: await ended };
}

test('LC-357 LC-1701 a worker that serves has a second behind its own deadline before it is killed', async (t) => {
  const worker = stuck({ served: {} });
  const ending = await killedAfter(t, worker, () => endWithin(worker, 3000, silentLogger()));
  assert.deepEqual(ending, { ms: 4000, clean: false });
});

test('LC-531 a worker that is stuck before it served is killed at the deadline, not a second later', async (t) => {
  const worker = stuck({});
  const ending = await killedAfter(t, worker, () => endWithin(worker, 3000, silentLogger()));
  assert.deepEqual(ending, { ms: 3000, clean: false });
});

test('a start that is called off has five seconds to let go of what it has', async (t) => {
  const worker = stuck({});
  assert.deepEqual(await killedAfter(t, worker, () => endEarly(worker)), { ms: 5000, clean: true });
});

test('LC-531 one that served before it heard that it is not needed ends as any that serves', async (t) => {
  const worker = stuck({ served: {}, ready: Promise.resolve(), dismissed: true });
  const ending = await killedAfter(t, worker, () => endWithin(worker, 9000, silentLogger()));
  // Its deadline and one second, not the five seconds of a cancelled start.
  assert.ok(ending.ms >= 10_000, String(ending.ms));
  assert.equal(ending.clean, false);
});

test('LC-355 work that was cut off is no clean end, whatever the status of the worker', async () => {
  for (const [cutOff, clean] of [
    [true, false],
    [false, true],
  ] as const) {
    const exited = Promise.resolve({ code: 2, signal: null });
    const worker = {
      assignment: { service: 'api', index: 0 },
      served: {},
      said: { cutOff },
      exited,
    } as unknown as WorkerHandle;
    assert.equal(await endWithin(worker, 1000, silentLogger()), clean);
  }
});

test('LC-531 a worker whose word that it serves was on its way is not taken for one that is not needed', () => {
  const told = { index: 0, workers: 1, generation: 1 };
  const fake = new FakeWorker(1, told, () => true);
  const { settings } = generation(1);
  const assignment = { service: 'api', ...told };
  const first = { kind: 'configure', assignment, configuration: {}, settings, addresses: [] } as const;
  const handle = new WorkerHandle(fake as unknown as ChildProcess, first);
  handle.dismiss();
  assert.equal(handle.dismissed, true);
  fake.say({ kind: 'ready' });
  assert.equal(handle.dismissed, false);
});

test('requests that a killed worker had not reported are not counted, and its last failure says so', async (t) => {
  const { pool, spawned } = fakePool('a');
  t.after(() => pool.kill());
  await pool.launch(1);
  const ended = async (end: (worker: FakeWorker) => void): Promise<string> => {
    const worker = spawned.at(-1)!;
    await worker.handle.ready;
    worker.say({ kind: 'inHand', came: [[0, 'GET /a']], left: [] });
    end(worker);
    await worker.handle.exited;
    await turn();
    return describeEnd(pool.lastEnd!);
  };
  assert.match(await ended((worker) => worker.end(null, 'SIGKILL')), /; lost at least 1 request \(GET \/a for /);
  const exited = await ended((worker) => {
    worker.say({ kind: 'leaves', requests: [{ method: 'GET', path: '/b', ageMs: 100 }] });
    worker.end(3);
  });
  assert.match(exited, /; lost 1 request \(GET \/b for /);
});

test('the line with the address precedes the one that its first worker is ready, also if both are due in one turn', async (t) => {
  const log = memoryLog();
  const fake = fakePool(
    'a',
    (moment, worker) => {
      if (moment !== 'begin') return undefined;
      void worker.handle.ready.then(() => log.info('ready'));
      worker.say({ kind: 'built', diagnostics: [] });
      worker.say({ kind: 'ready' });
      return true;
    },
    { log, sockets: [{ address: { host: '127.0.0.1', port: 80 }, descriptor: 3 } as unknown as ListenSockets] },
  );
  t.after(() => fake.pool.kill());
  await fake.pool.launch(1);
  assert.deepEqual(
    log.lines.filter(({ level }) => level === 'info').map(({ message }) => message),
    ['a bound to 127.0.0.1:80, where its first worker will listen', 'ready'],
  );
});

test('a worker that the kernel has killed for memory is named so, and another SIGKILL is not', async (t) => {
  const events = join(temporaryFolder('portico-cgroup-'), 'memory.events');
  const kills = (count: number) => writeFileSync(events, `low 0\nmax 12\noom 3\noom_kill ${count}\noom_group_kill 0\n`);
  kills(7);
  const oomKills = new OomKills(['/nowhere', events]);
  const { pool, spawned } = fakePool('a', undefined, { oomKills });
  t.after(() => pool.kill());
  await pool.launch(1);
  const reason = async (): Promise<string | undefined> => {
    const worker = spawned.at(-1)!;
    worker.end(null, 'SIGKILL');
    await worker.handle.exited;
    await turn();
    return pool.lastEnd?.reason;
  };
  assert.equal(await reason(), 'signal');
  kills(8);
  await spawned.at(-1)!.handle.ready;
  assert.equal(await reason(), 'oom');
  assert.match(describeEnd(pool.lastEnd!), /killed by the kernel, because the memory of its cgroup .* was full/);
  // Each kill explains one end.
  assert.equal(oomKills.take(), false);
  // A kill of another process in the cgroup explains no later end.
  kills(9);
  const later = performance.now() + 60_000;
  oomKills.look(later);
  oomKills.look(later + 1000);
  assert.equal(oomKills.take(later + 4000), false);
  kills(10);
  oomKills.look(later + 5000);
  assert.equal(oomKills.take(later + 6000), true);
});

test('SIGTERM to one worker drains it: the next one is counted as a restart, and no worker has died', async (t) => {
  const { pool, spawned } = fakePool('a');
  t.after(() => pool.kill());
  await pool.launch(2);
  const { handle } = spawned[0]!;
  spawned[0]!.say({ kind: 'ended', status: 0, cutOff: false, signalled: true });
  spawned[0]!.end(0);
  await handle.exited;
  while (spawned.length < 3) await turn();
  await spawned[2]!.handle.ready;
  assert.deepEqual([pool.starts.restart, pool.starts.death, pool.restarts, pool.lastEnd], [1, 0, 0, undefined]);
  spawned[2]!.end(0);
  while (spawned.length < 4) await turn();
  assert.deepEqual([pool.starts.restart, pool.starts.death, pool.restarts], [1, 1, 1]);
});

test('a reload that replaces a draining worker leaves it graceful_shutdown_timeout, not drain_timeout', async (t) => {
  const settings = { gracefulShutdownTimeoutMs: 3000, drainTimeoutMs: 0 };
  const fake = fakePool('a', (moment) => moment === 'drain', { first: generation(1, settings) });
  t.after(() => fake.pool.kill());
  await fake.pool.launch(1);
  const drains = (): unknown[] => fake.spawned[0]!.heard.filter(({ kind }) => kind === 'drain');
  const { ready } = await fake.pool.prove(generation(2, settings), 1);
  await ready;
  fake.pool.generation = generation(2, settings);
  void fake.pool.rollOut(undefined, () => false);
  while (drains().length < 1) await turn();
  fake.spawned[0]!.say({ kind: 'draining' });
  void fake.pool.prove(generation(3, settings), 1);
  while (drains().length < 2) await turn();
  assert.deepEqual(drains(), [
    { kind: 'drain', reason: 'replaced', timeoutMs: 0 },
    { kind: 'drain', reason: 'hurried', timeoutMs: 3000 },
  ]);
});

/** The requests to drain that a worker has received. */
function drainsOf({ heard }: FakeWorker): (string | number)[][] {
  return heard.flatMap((message) => (message.kind === 'drain' ? [[message.reason, message.timeoutMs]] : []));
}

test('a service that a reload removes has drain_timeout, and a stop meanwhile its own deadline', async (t) => {
  const first = generation(1, { gracefulShutdownTimeoutMs: 2000, drainTimeoutMs: 20_000 });
  const signals: string[] = [];
  const on = (moment: Moment): boolean => moment === 'drain' || (moment === 'terminate' && signals.push(moment) > 0);
  const { pool, spawned } = fakePool('a', on, { first });
  t.after(() => pool.kill());
  await pool.launch(1);
  const left = pool.leave();
  const [worker] = spawned as [FakeWorker];
  assert.deepEqual([drainsOf(worker), worker.handle.terms.limit], [[['stop', 20_000]], 'drain_timeout']);
  const stopped = pool.stop(1500);
  assert.deepEqual(drainsOf(worker)[1], ['stop', 1500]);
  assert.equal(worker.handle.terms.limit, 'graceful_shutdown_timeout');
  while (signals.length === 0) await turn();
  worker.end(0);
  assert.equal(await stopped, true);
  await left;
});

test('a stop does not prolong the drain of a replaced worker, and names its option', async (t) => {
  const lines: string[] = [];
  const log = { ...silentLogger(), warn: (...line: unknown[]) => void lines.push(String(line.at(-1))) };
  const first = generation(1, { gracefulShutdownTimeoutMs: 30_000, drainTimeoutMs: 2000 });
  const { pool, spawned } = fakePool('a', (moment) => moment !== 'begin', { first, log });
  t.after(() => pool.kill());
  await pool.launch(2);
  await pool.resize(1);
  while (drainsOf(spawned[1]!).length === 0) await turn();
  const stopped = pool.stop(30_000);
  assert.deepEqual(drainsOf(spawned[1]!), [['stop', 2000]]);
  spawned[1]!.say({ kind: 'ended', status: 1, cutOff: true, cutOffRequests: 3 });
  spawned[1]!.end(1);
  spawned[0]!.end(0);
  assert.equal(await stopped, false);
  assert.match(lines.join(), /3 requests were cut off at drain_timeout/);
});

test('requests that are cut off after a restart belong to no reload', async (t) => {
  const told: unknown[] = [];
  const cutOff = (...args: unknown[]): void => void told.push(args);
  const on = (moment: Moment, worker: FakeWorker): boolean => {
    if (moment !== 'drain') return false;
    worker.say({ kind: 'ended', status: 1, cutOff: true, cutOffRequests: 2 });
    worker.end(1);
    return true;
  };
  const fake = fakePool('a', on, { cutOff });
  t.after(() => fake.pool.kill());
  await fake.pool.launch(1);
  await fake.pool.renew();
  await quiet(fake);
  assert.equal(await reload(fake, 2), true);
  await quiet(fake);
  assert.deepEqual(told, [
    [undefined, 2],
    [1, 2],
  ]);
});

test('a draining worker in the way of a reload is killed after the shorter time, although drain_timeout is long', async (t) => {
  const settings = { gracefulShutdownTimeoutMs: 10, drainTimeoutMs: 3_600_000 };
  const fake = fakePool('a', (moment) => moment === 'drain', { first: generation(1, settings) });
  t.after(() => fake.pool.kill());
  await fake.pool.launch(1);
  const { ready } = await fake.pool.prove(generation(2, settings), 1);
  await ready;
  fake.pool.generation = generation(2, settings);
  void fake.pool.rollOut(undefined, () => false);
  while (drainsOf(fake.spawned[0]!).length < 1) await turn();
  fake.spawned[0]!.say({ kind: 'draining' });
  void fake.pool.prove(generation(3, settings), 1);
  assert.equal((await fake.spawned[0]!.handle.exited).signal, 'SIGKILL');
});

test('LA-3 a stop during a reload tells the workers that serve only after one that starts is gone: it holds the socket', async (t) => {
  const told: string[] = [];
  let endStart: (() => void) | undefined;
  let hasBegun = false;
  const fake = await launched(t, 2, (moment, worker) => {
    const starts = worker.told.generation === 2;
    hasBegun ||= starts;
    if (moment !== 'begin') {
      told.push(starts ? 'starting' : 'serving');
      if (starts) endStart = () => worker.end(null, 'SIGTERM');
    }
    return starts;
  });
  const reloading = reload(fake, 2);
  while (!hasBegun) await turn();
  const calledOff = fake.pool.callOff();
  while (endStart === undefined) await turn();
  await turn();
  assert.deepEqual(told, ['starting']);
  endStart();
  await calledOff;
  assert.equal(await fake.pool.stop(1000), true);
  assert.deepEqual(told, ['starting', 'serving', 'serving']);
  await reloading;
});

test('NI-3 the record of a service outlives the times of any number of jobs', () => {
  const pool = new WorkerPool({ name: 'images' } as WorkerPool, {} as never);
  const worker = { assignment: { index: 0 } } as Parameters<WorkerPool['keep']>[0];
  pool.keep(worker, { key: 'record', value: { host: 'north' } });
  for (let job = 0; job < 1500; job++) pool.keep(worker, { key: `task 0 job ${job}`, value: job });
  assert.deepEqual(pool.kept.get('record'), { host: 'north' });
  assert.deepEqual(
    [pool.kept.size, pool.kept.has('task 0 job 500'), pool.kept.has('task 0 job 501')],
    [1000, false, true],
  );
});
