/** A rolling replacement while workers end, hang or are replaced at the worst moment. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Config, defineOptions, string } from 'portico/config';
import { ProcessLauncher, type ReloadReport } from 'portico/launch';
import { silentLogger } from '#internal/log';
import type { LaunchRequest } from '../../../dist/launch/launcher.js';
import { serviceName } from '../../../dist/launch/launcher.js';
import type { LaunchSettings } from '../../../dist/launch/launcher-options.js';
import type { FleetGeneration } from '../../../dist/launch/parent/fleet-generation.js';
import type { Supervisor } from '../../../dist/launch/parent/supervisor.js';
import { build, type FleetChangeResult, replaceWorkers } from '../../../dist/launch/reload/fleet-reload.js';
import { diff, servicePlans } from '../../../dist/launch/reload/service-plans.js';
import type { Arrival } from '../../../dist/launch/sockets/listener-pool.js';
import { type FakePool, type FakeWorker, fakePool, generation, type Moment } from '../../fixtures/fake-workers.js';
import { temporaryFolder } from '../../fixtures/keeper.js';
import { RecordedService } from '../../fixtures/recorded-service.js';

type Behaviour = (moment: Moment, worker: FakeWorker) => unknown;

/** Services of fake workers with the interface of a supervisor. */
class Fleet {
  readonly fakes = new Map<string, FakePool>();
  readonly behaviours = new Map<string, Behaviour>();
  current: FleetGeneration;
  readonly #asked = new AbortController();

  constructor(t: TestContext, settings: Partial<LaunchSettings> = {}) {
    this.current = generation(1, settings);
    t.after(async () => {
      this.behaviours.clear();
      for (const { pool } of this.fakes.values()) await pool.kill();
    });
  }

  async launch(name: string, workers: number): Promise<FakePool> {
    const fake = this.make(name);
    await fake.pool.launch(workers);
    return fake;
  }

  make(name: string): FakePool {
    const on: Behaviour = (moment, worker) => this.behaviours.get(name)?.(moment, worker);
    const fake = fakePool(name, on, { first: this.current });
    this.fakes.set(name, fake);
    return fake;
  }

  /** Runs one reload to the next generation. */
  async reload(
    more: { services?: readonly LaunchRequest[]; accepting?: () => unknown; settings?: Partial<LaunchSettings> } = {},
  ): Promise<FleetChangeResult> {
    const next = generation(this.current.number + 1, { ...this.current.settings, ...more.settings });
    const supervisor = this as unknown as Supervisor;
    const running = [...this.fakes.keys()].map((name) => new RecordedService(name));
    const wanted = more.services?.map(({ service }) => service) ?? running;
    const { added, removed } = diff(servicePlans(running, undefined), servicePlans(wanted, undefined));
    const change = {
      next,
      asked: new Map(more.services?.map((request) => [serviceName(request.service), request])),
      added,
      removed,
      accept: async () => {
        await more.accepting?.();
        this.current = next;
        for (const pool of this.pools) pool.generation = next;
      },
      stopped: this.#asked.signal,
      superseded: () => false,
    };
    const result = await replaceWorkers(supervisor, silentLogger(), change);
    assert.ok(result);
    return result;
  }

  get settings(): LaunchSettings {
    return this.current.settings;
  }

  get pools(): readonly FakePool['pool'][] {
    return [...this.fakes.values()].map(({ pool }) => pool);
  }

  pool(name: string): FakePool['pool'] | undefined {
    return this.fakes.get(name)?.pool;
  }

  arrival(): Arrival {
    return { leaving: [], staying: [], draining: [] };
  }

  async addPool(_: unknown, name: string): Promise<FakePool['pool']> {
    return this.make(name).pool;
  }

  async retire(name: string): Promise<void> {
    const pool = this.pool(name);
    this.fakes.delete(name);
    await pool?.stop(1000);
  }
}

function generations({ pool }: FakePool): number[] {
  return pool.current.map(({ assignment }) => assignment.generation);
}

test('OP-81 LC-519 the report of a reload that a stop abandons before it is in force says that nothing was applied', async () => {
  const ini = join(temporaryFolder('portico-abandoned-'), 'app.ini');
  writeFileSync(ini, '[app]\nword = old\n');
  const config = await Config.load({ files: [ini], env: {}, argv: [] });
  config.group('app', defineOptions({ word: string({ help: 'What the service is told.' }) }));
  let stopped: Promise<void> | undefined;
  const onReload = (): undefined => {
    stopped = launcher.stop();
  };
  const launcher = new ProcessLauncher({ config, log: silentLogger(), signals: false, onReload });
  writeFileSync(ini, '[app]\nword = new\n');
  await launcher.restart();
  await stopped;
  const [{ outcome, changes } = {}] = launcher.status().reloads as [Partial<ReloadReport>?];
  assert.deepEqual(
    [outcome, changes?.map(({ option, effect }) => [option, effect])],
    ['abandoned', [['app.word', 'not applied']]],
  );
});

test('LC-519 a dry run that a stop abandons starts no child', async () => {
  const spawn = (): never => assert.fail('a child was started');
  assert.deepEqual(await build({ host: process, spawn }, generation(2), AbortSignal.abort()), []);
});

test('LC-515 a caller that fails when it hears of an added service does not refuse an accepted reload', async (t) => {
  const fleet = new Fleet(t);
  await fleet.launch('a', 1);
  const added = (): never => {
    throw new Error('the caller failed');
  };
  const services = [
    { service: new RecordedService('a'), workers: 1 },
    { service: new RecordedService('new'), workers: 1, added },
  ];
  const { replaced, failures } = await fleet.reload({ services });
  assert.deepEqual({ replaced, failures }, { replaced: { a: 1 }, failures: [] });
  assert.equal(fleet.pool('new')?.current.length, 1);
});

test('every worker of an added or grown service learns how many there will be', async (t) => {
  const fleet = new Fleet(t);
  const grown = await fleet.launch('grown', 1);
  const services = [
    { service: new RecordedService('grown'), workers: 3 },
    { service: new RecordedService('added'), workers: 2 },
  ];
  await fleet.reload({ services });
  const wanted = fleet.fakes.get('added')?.spawned.map(({ told }) => told.workers);
  assert.deepEqual(wanted, [2, 2]);
  assert.deepEqual(
    grown.spawned.slice(1).map(({ told }) => told.workers),
    [3, 3, 3],
  );
});

test('LC-515 a service that grows from no workers is proven by the first of them, or stays as it is', async (t) => {
  const fleet = new Fleet(t);
  const a = await fleet.launch('a', 2);
  await a.pool.resize(0);
  fleet.behaviours.set('a', (moment, worker) => {
    if (moment !== 'begin') return undefined;
    worker.end(1);
    return true;
  });
  const services = [{ service: new RecordedService('a'), workers: 3 }];
  await assert.rejects(fleet.reload({ services }), /exited with status 1/);
  assert.deepEqual([a.pool.wanted, a.spawned.length, fleet.current.number], [0, 3, 1]);
  fleet.behaviours.clear();
  await fleet.reload({ services });
  assert.deepEqual(generations(a), [2, 2, 2]);
  assert.deepEqual([a.spawned.length, a.pool.restarts], [6, 0]);
});

/** The replaced workers of a service: each drains until the test ends it. */
function drainingOf(fleet: Fleet, service: string): FakeWorker[] {
  const draining: FakeWorker[] = [];
  fleet.behaviours.set(service, (moment, worker) => {
    if (moment !== 'drain') return undefined;
    worker.say({ kind: 'draining' });
    draining.push(worker);
    return true;
  });
  return draining;
}

test('RL-67 waiting for room is no part of the time a start may take', async (t) => {
  const fleet = new Fleet(t, { reloadTimeoutMs: 50, workerStartTimeoutMs: 100 });
  const a = await fleet.launch('a', 2);
  const draining = drainingOf(fleet, 'a');
  await fleet.reload();
  assert.deepEqual(generations(a), [2, 2]);
  const again = fleet.reload();
  // Four processes are the limit: the check of this reload waits for one of the first two, and so on.
  const ending = setInterval(() => draining.shift()?.end(0), 300);
  t.after(() => clearInterval(ending));
  const { failures } = await again;
  assert.deepEqual([failures, generations(a)], [[], [3, 3]]);
});

test('RL-67 with workers that drain for ever a reload is incomplete, and nothing is replaced behind its back', async (t) => {
  const fleet = new Fleet(t, { reloadTimeoutMs: 100, workerStartTimeoutMs: 100 });
  const a = await fleet.launch('a', 3);
  const draining = drainingOf(fleet, 'a');
  await fleet.reload({ settings: { gracefulShutdownTimeoutMs: 0, drainTimeoutMs: 0 } });
  draining.pop()!.end(0);
  await turn();
  // One more process fits, for the check; no slot after the first has room. A hurried drain may take 2000 ms.
  const { failures, replaced } = await fleet.reload({ settings: { gracefulShutdownTimeoutMs: 0, drainTimeoutMs: 0 } });
  assert.equal(replaced.a, 1);
  const reasons = draining[0]!.heard.flatMap((message) => (message.kind === 'drain' ? [message.reason] : []));
  assert.deepEqual(reasons, ['replaced', 'hurried'], 'its health checks fail by a stop alone');
  assert.match(failures[0] ?? '', /worker 1 of service a was not replaced: .*draining/);
  const before = a.spawned.length;
  for (const worker of draining) worker.end(0);
  await turn();
  await turn();
  assert.deepEqual([a.spawned.length, generations(a)], [before, [3, 2, 2]]);
});

test('RL-67 a later worker whose start never ends, and so is killed, does not keep the reload for ever', async (t) => {
  const fleet = new Fleet(t, { reloadTimeoutMs: 50, workerStartTimeoutMs: 100 });
  const [a, b] = [await fleet.launch('a', 2), await fleet.launch('b', 1)];
  fleet.behaviours.set('a', (moment, worker) => {
    if (moment !== 'begin' || worker.index !== 1 || worker.told.generation !== 2) return undefined;
    // As the supervisor does at `worker_start_timeout`.
    setTimeout(() => worker.end(null, 'SIGKILL'), 100);
    return true;
  });
  const { failures, replaced } = await fleet.reload();
  assert.deepEqual(replaced, { a: 1, b: 1 });
  assert.match(failures.join(), /^worker 1 of service a was not replaced: /);
  fleet.behaviours.clear();
  assert.deepEqual((await fleet.reload()).failures, []);
  assert.deepEqual([generations(a), generations(b)], [[3, 3], [3]]);
});

test('LC-515 of an old worker that a trial has made room for no more remains than of any other', async (t) => {
  const fleet = new Fleet(t);
  const a = await fleet.launch('a', 2);
  const dies = async (): Promise<void> => {
    a.spawned[0]!.end(null, 'SIGKILL');
    while (a.spawned.length < 4) await turn();
    await a.spawned[3]!.handle.ready;
  };
  const { replaced } = await fleet.reload({ accepting: dies });
  // The worker that filled the slot meanwhile is replaced by the trial's worker.
  assert.deepEqual(
    a.spawned.map(({ index, told }) => [index, told.generation]),
    [
      [0, 1],
      [1, 1],
      [0, 2],
      [0, 1],
      [1, 2],
    ],
  );
  assert.deepEqual([replaced, generations(a)], [{ a: 2 }, [2, 2]]);
});

test('OP-80 a refused reload ends its own workers and nobody else’s', async (t) => {
  const fleet = new Fleet(t);
  const [a, b] = [await fleet.launch('a', 1), await fleet.launch('b', 1)];
  let begun = (): void => undefined;
  fleet.behaviours.set('a', (moment, worker) => {
    if (moment !== 'begin' || worker.told.generation === 2) return undefined;
    begun = () => worker.say({ kind: 'ready' });
    return true;
  });
  fleet.behaviours.set('b', (moment, worker) => {
    if (moment !== 'begin') return undefined;
    worker.end(1);
    return true;
  });
  const [old] = a.spawned;
  a.pool.replace(old!.handle, 'recycle');
  while (a.spawned.length < 2) await turn();
  await assert.rejects(fleet.reload(), /worker 0 of service b/);
  const [, fresh, spare] = a.spawned;
  await spare!.handle.exited;
  begun();
  await old!.handle.exited;
  assert.deepEqual([generations(a), generations(b)], [[1], [1]]);
  assert.equal(a.pool.current[0], fresh!.handle);
});
