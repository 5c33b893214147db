/** What runs of a service leave to those after them. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Config } from '../../dist/config/index.js';
import { openRegistry } from '../../dist/extras/registry/index.js';
import { silentLogger } from '../../dist/log/internal.js';
import { ManagedRuns, ManagedService } from '../../dist/managers/index.js';
import { Lifecycle, type StopOptions } from '../../dist/service/index.js';
import { TaskGroup } from '../../dist/tasks/index.js';
import { deferred, JobList } from '../../dist/tasks/internal.js';
import { until } from '../fixtures/until.js';

const log = silentLogger();
const RELOAD: StopOptions = { graceful: true, reason: 'reload', pauseMs: 20, deadlineMs: 60_000 };

const INI = `[servicegroup]
driver = memory
[DEFAULT]
report_interval = 1
service_down_time = 5
`;

/** A service with a job, whose runs are at work until `letGo`. */
function service(t: TestContext, ini = '') {
  const config = Config.fromText(ini);
  const letGo = deferred();
  const order: string[] = [];
  const jobs = new JobList();
  jobs.every('10m', () => {}, { name: 'clean' });
  let made = 0;
  const runs = new ManagedRuns({
    make: (earlier) => {
      const number = ++made;
      const tasks = new TaskGroup({ log });
      const managed = new ManagedService({
        name: 'images',
        binary: 'portico-images',
        config: () => config,
        log,
        tasks,
        earlier,
        managers: () => [],
        declared: () => [jobs],
        option: 'images_manager',
        named: { group: 'DEFAULT', opt: 'images_manager' },
        rpc: () => assert.fail('it has no managers'),
        onVerdict: () => {},
      });
      const steps = {
        serve: () => void order.push(`${number} serves`),
        stopAccepting: () => void order.push(`${number} accepts no more`),
        finish: () => letGo.promise,
      };
      const lifecycle = new Lifecycle('images', {
        start: async (signal, over) =>
          (await managed.prepare({ backdoorPort: null, workerId: 0, steps })).start(signal, over),
        stop: (options) => managed.hooks?.stop(options),
      });
      return { tasks, managed, lifecycle };
    },
    given: undefined,
    registration: undefined,
    log,
  });
  t.after(async () => {
    letGo.resolve();
    await runs.stop({});
  });
  const nextIn = (): number | undefined => runs.present.managed.periodicTasks[0]?.status()[0]?.nextIn;
  return { config, runs, order, letGo, nextIn };
}

test('S3-7 the interval of a job goes on in the run that a reload begins beside the former one', async (t) => {
  const { runs, nextIn } = service(t);
  await runs.start();
  const before = await until(nextIn, (seconds = 600) => seconds < 599.9);
  await runs.stop(RELOAD);
  assert.equal(runs.former.size, 1);
  await runs.start();
  assert.ok(nextIn()! <= before!, `${before} s before the reload, ${nextIn()} s after it`);
});

test('RW-2 a registry that says nothing delays no reload, and the former run leaves it before the next one registers', async (t) => {
  const { config, runs, order, letGo } = service(t, INI);
  const registry = openRegistry(config, { log })!;
  const { store } = registry;
  await runs.start();
  const responds = deferred();
  for (const name of ['putWorker', 'dropWorker'] as const) {
    const write = store[name].bind(store) as (...args: unknown[]) => Promise<void>;
    store[name] = async (...args: unknown[]) => {
      await responds.promise;
      order.push(name);
      return write(...args);
    };
  }
  t.after(() => responds.resolve());
  await runs.stop(RELOAD);
  assert.equal(runs.former.size, 1);
  await runs.start();
  assert.deepEqual(order, ['1 serves', '1 accepts no more', '2 serves']);
  letGo.resolve();
  responds.resolve();
  const isRegistered = () => runs.present.managed.registration?.trouble?.() === undefined;
  await until(
    () => runs.former.size === 0 && isRegistered(),
    (isDone) => isDone,
  );
  // The start and the heartbeat have both tried.
  assert.deepEqual([...new Set(order.slice(3))], ['dropWorker', 'putWorker']);
  const [view] = await registry.list();
  assert.deepEqual([view?.record.state, view?.workers.length], ['running', 1]);
});
