/** Periodic tasks declared in a line. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PeriodicTasks } from 'portico/tasks';
import { silentLogger } from '../../dist/log/log.js';
import { JobList } from '../../dist/tasks/job-list.js';

/** A clock whose time a test sets; its timers fire at once. */
function handClock() {
  let time = 0;
  return {
    now: () => time,
    advance: (ms: number) => {
      time += ms;
    },
    after: (_ms: number, fn: () => void) => {
      const soon = setImmediate(fn);
      return () => clearImmediate(soon);
    },
  };
}

/** The list for one call of the factory of a section. */
const ofSection = (list: JobList, key: string): JobList =>
  (list as unknown as { ofSection(key: string): JobList }).ofSection(key);

/** The tasks of a list, as a service with this worker has them. */
function tasksOf(list: JobList, options: ConstructorParameters<typeof PeriodicTasks>[1] = {}) {
  const clock = handClock();
  const tasks = new PeriodicTasks(list, { clock, log: silentLogger(), random: () => 0, label: 'books', ...options });
  list.addTo(tasks);
  return { tasks, clock };
}

test('AU-8 a task is declared in a line, with its spacing in seconds or as a text', () => {
  const list = new JobList();
  assert.equal(list.empty, true);
  list
    .every('90s', function sync() {})
    .every(2.5, () => {})
    .every('5m', () => {}, { name: 'slow' });
  const { tasks } = tasksOf(list);
  assert.deepEqual(
    tasks.status().map(({ name, spacing }) => [name, spacing]),
    [
      ['sync', 90],
      ['every 2.5', 2.5],
      ['slow', 300],
    ],
  );
});

test('AU-8 it may run at once; its last run and its failures are in its status', async () => {
  let calls = 0;
  const list = new JobList();
  list.every(
    '90s',
    function sync() {
      calls++;
      if (calls === 1) throw new Error('down');
    },
    { runImmediately: true },
  );
  const { tasks, clock } = tasksOf(list);
  await tasks.runPeriodicTasks();
  const [failed] = tasks.status();
  assert.deepEqual([failed!.runs, failed!.errors, failed!.lastError], [1, 1, 'down']);
  clock.advance(89_000);
  await tasks.runPeriodicTasks();
  assert.equal(calls, 1);
  clock.advance(1_000);
  await tasks.runPeriodicTasks();
  assert.deepEqual([calls, tasks.status()[0]!.lastError], [2, undefined]);
});

test('AU-8 LC-729 one worker of a host, one of the fleet by a lease of the registry under the name of the service', async () => {
  const leases: string[] = [];
  const ran: string[] = [];
  const list = new JobList();
  list.every(10, () => ran.push('worker'), { name: 'a', runImmediately: true });
  list.every(10, () => ran.push('host'), { name: 'b', runImmediately: true, on: 'host' });
  list.every(10, () => ran.push('fleet'), { name: 'c', runImmediately: true, on: 'fleet' });
  const lease = async (task: string, seconds: number) => {
    leases.push(`${task} ${seconds}`);
    return false;
  };
  await tasksOf(list, { lease }).tasks.runPeriodicTasks();
  await tasksOf(list, { lease, workerId: 1 }).tasks.runPeriodicTasks();
  assert.deepEqual(ran, ['worker', 'host', 'worker']);
  assert.deepEqual(leases, ['books.c 20']);
});

test('AU-8 what is no time and no place is refused where it is written', () => {
  const list = new JobList();
  for (const spacing of ['often', '0s', -1, 0, '1w']) {
    assert.throws(() => list.every(spacing, () => {}), { code: 'PORTICO_INVALID_PERIODIC_TASK_ARG' }, String(spacing));
  }
  assert.throws(() => list.every(1, () => {}, { on: 'cluster' as never }), /"worker", "host" or "fleet"|runs on/);
});

test('AD-12 a section that is mounted twice: its tasks of a host and the fleet run once, those of a worker for each app', async () => {
  const ran: string[] = [];
  const list = new JobList();
  const now = { runImmediately: true };
  const declare = (tasks: JobList, app: string): void => {
    tasks.every('1m', () => ran.push(`refresh ${app}`), { name: 'refresh', ...now });
    tasks.every('1h', () => ran.push(`mail ${app}`), { name: 'mail', on: 'fleet', ...now });
    tasks.every('1h', () => ran.push(`clean ${app}`), { on: 'host', ...now });
    tasks.every('1h', () => ran.push(`sweep ${app}`), { on: 'host', ...now });
  };
  declare(ofSection(list, 'books'), '/api');
  declare(ofSection(list, 'books'), '/v1');
  const another = { code: 'PORTICO_INVALID_PERIODIC_TASK_ARG', message: /two periodic tasks/ };
  // Another section, and one factory that gives a name twice.
  assert.throws(() => ofSection(list, 'loans').every('1h', () => {}, { name: 'mail', on: 'fleet' }), another);
  const once = ofSection(list, 'reports').every('1h', () => {}, { name: 'daily', on: 'fleet' });
  assert.throws(() => once.every('1h', () => {}, { name: 'daily', on: 'fleet' }), another);
  const { tasks } = tasksOf(list, { lease: async () => true });
  const names = tasks.status().map(({ name }) => name);
  assert.deepEqual(names, ['refresh', 'mail', 'every 1h', 'every 1h 2', 'refresh 2', 'daily']);
  await tasks.runPeriodicTasks();
  assert.deepEqual(ran.toSorted(), ['clean /api', 'mail /api', 'refresh /api', 'refresh /v1', 'sweep /api']);
});

test('AU-8 tasks without names are all kept, under numbered names; a given name is refused the second time', async () => {
  const ran: string[] = [];
  const list = new JobList();
  const now = { runImmediately: true };
  // As two managers, or two sections of one factory, declare them.
  for (const which of ['a', 'b', 'c']) {
    list.every('90s', () => ran.push(which), now);
    list.every(
      '5m',
      function sync() {
        ran.push(`sync ${which}`);
      },
      now,
    );
  }
  list.every('1h', () => {}, { name: 'clean' });
  assert.throws(() => list.every('1h', () => {}, { name: 'clean' }), {
    code: 'PORTICO_INVALID_PERIODIC_TASK_ARG',
    message: /two periodic tasks .* "clean"/,
    hint: /own name/,
  });
  const { tasks } = tasksOf(list);
  const names = tasks.status().map(({ name }) => name);
  assert.deepEqual(names, ['every 90s', 'sync', 'every 90s 2', 'sync 2', 'every 90s 3', 'sync 3', 'clean']);
  await tasks.runPeriodicTasks();
  assert.deepEqual(ran.toSorted(), ['a', 'b', 'c', 'sync a', 'sync b', 'sync c']);
});
