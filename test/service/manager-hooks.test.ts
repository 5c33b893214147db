import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Config } from 'portico/config';
import { Lifecycle, type Manager, type ServiceRecord } from 'portico/service';
import { periodicTask, TaskGroup } from 'portico/tasks';
import { FakeClock } from 'portico/testing';
import { silentLogger } from '#internal/log';
import { ManagerHooks, type ManagerHooksOptions } from '#internal/service';
import { pause } from '#internal/tasks';
import { recordedLog } from '../tasks/recorded-log.js';

const log = silentLogger();
const record = { host: 'here' } as ServiceRecord;

/** Returns a manager that records its hooks; the hook named `failing` throws. */
function manager(calls: string[], prefix = '', failing = ''): Manager {
  const hook = (name: string, show = ''): void => {
    calls.push(`${prefix}${name}${show}`);
    if (name === failing) throw new Error(`${name} failed`);
  };
  return {
    initHost: (given) => hook('initHost', given === null ? '(null)' : ''),
    preStartHook: (given) => hook('preStartHook', `(${given?.host})`),
    postStartHook: async () => hook('postStartHook'),
    gracefulShutdown: async () => hook('gracefulShutdown'),
    cleanupHost: () => hook('cleanupHost'),
    reset: () => hook('reset'),
  };
}

/** Returns the other options of the hooks, which record their calls too. */
function surroundings(calls: string[], failing = ''): Omit<ManagerHooksOptions, 'managers'> {
  const note = async (name: string): Promise<void> => {
    calls.push(name);
    if (name === failing) throw new Error(`${name} failed`);
  };
  return {
    name: 'compute',
    log,
    tasks: new TaskGroup({ log }),
    serve: () => note('serve'),
    stopAccepting: () => note('stopAccepting'),
    finish: () => note('finish'),
    release: () => note('release'),
    registration: {
      read: async () => {
        await note('read');
        return null;
      },
      register: async () => {
        await note('register');
        return record;
      },
      join: () => note('join'),
      drain: () => note('drain'),
      leave: () => note('leave'),
    },
  };
}

const START = ['read', 'initHost(null)', 'register', 'preStartHook(here)', 'serve', 'postStartHook', 'join'];
const STOP = ['drain', 'stopAccepting', 'gracefulShutdown', 'finish', 'cleanupHost', 'leave', 'release'];

test('MG-20 MG-59 LC-1331 LC-1333 LC-1343 the hooks and what stands between them are called in order, once, for start, reset and stop', async () => {
  const calls: string[] = [];
  const hooks = new ManagerHooks({ ...surroundings(calls), managers: [manager(calls)] });
  const life = new Lifecycle('compute', hooks);
  await life.start();
  assert.deepEqual(calls.splice(0), START);
  await hooks.reset(new Config());
  assert.deepEqual(calls.splice(0), ['reset']);
  await Promise.all([life.stop({ graceful: true }), life.stop({ graceful: true })]);
  await life.stop();
  assert.deepEqual(calls, STOP);
});

test('LC-1347 hooks run for all managers in order, cleanupHost in reverse', async () => {
  const calls: string[] = [];
  const hooks = new ManagerHooks({
    name: 'x',
    log,
    tasks: new TaskGroup({ log }),
    managers: [manager(calls, 'a.'), manager(calls, 'b.')],
  });
  await hooks.start();
  await hooks.reset(new Config());
  await hooks.stop({ graceful: true });
  assert.deepEqual(calls, [
    'a.initHost(null)',
    'b.initHost(null)',
    'a.preStartHook(undefined)',
    'b.preStartHook(undefined)',
    'a.postStartHook',
    'b.postStartHook',
    'a.reset',
    'b.reset',
    'a.gracefulShutdown',
    'b.gracefulShutdown',
    'b.cleanupHost',
    'a.cleanupHost',
  ]);
});

test('MG-59 LC-1334 LC-1335 a start that fails at any step undoes what was done, in reverse order', async () => {
  const cases: [step: string, undone: string[]][] = [
    ['read', ['release']],
    ['initHost', ['cleanupHost', 'release']],
    ['register', ['leave', 'cleanupHost', 'release']],
    ['preStartHook', ['leave', 'cleanupHost', 'release']],
    ['serve', ['leave', 'cleanupHost', 'release']],
    ['postStartHook', ['stopAccepting', 'finish', 'leave', 'cleanupHost', 'release']],
    ['join', ['stopAccepting', 'finish', 'leave', 'cleanupHost', 'release']],
  ];
  for (const [step, undone] of cases) {
    const calls: string[] = [];
    const around = surroundings(calls, step);
    const hooks = new ManagerHooks({ ...around, managers: [manager(calls, '', step)] });
    const life = new Lifecycle('compute', hooks);
    await assert.rejects(life.start(), new RegExp(`${step} failed`));
    const done = START.slice(0, START.findIndex((name) => name.startsWith(step)) + 1);
    assert.deepEqual(calls, [...done, ...undone], step);
    await life.stop();
    assert.equal(around.tasks.size, 0);
  }
});

test('LC-1332 when initHost of the second manager fails, both are cleaned up', async () => {
  const calls: string[] = [];
  const hooks = new ManagerHooks({
    ...surroundings(calls),
    managers: [manager(calls, 'a.'), manager(calls, 'b.', 'initHost'), manager(calls, 'c.')],
  });
  await assert.rejects(hooks.start(), /initHost failed/);
  assert.deepEqual(calls, [
    'read',
    'a.initHost(null)',
    'b.initHost(null)',
    'b.cleanupHost',
    'a.cleanupHost',
    'release',
  ]);
});

test('MG-20 a hook that fails during the stop is logged and the rest is done', async () => {
  for (const failing of ['gracefulShutdown', 'cleanupHost']) {
    const calls: string[] = [];
    const { log: recorded, messages } = recordedLog();
    const hooks = new ManagerHooks({ ...surroundings(calls), log: recorded, managers: [manager(calls, '', failing)] });
    await hooks.start();
    calls.splice(0);
    await hooks.stop({ graceful: true });
    assert.deepEqual(calls, STOP);
    assert.deepEqual(messages(), [`compute: the manager's ${failing} failed`]);
  }
});

test('LC-134 another step that fails during the stop is thrown at its end', async () => {
  for (const failing of ['drain', 'stopAccepting', 'finish', 'release']) {
    const calls: string[] = [];
    const hooks = new ManagerHooks({ ...surroundings(calls, failing), managers: [manager(calls)] });
    await hooks.start();
    calls.splice(0);
    await assert.rejects(hooks.stop({ graceful: true }), new RegExp(`${failing} failed`));
    assert.deepEqual(calls, STOP);
  }
});

test('MG-59 a gracefulShutdown that hangs does not hold the process; it gets the time that it has', async () => {
  const clock = new FakeClock();
  const told: number[] = [];
  const hooks = new ManagerHooks({
    ...surroundings([]),
    clock,
    managers: [
      {
        gracefulShutdown: (timeoutMs) => {
          told.push(timeoutMs);
          return new Promise(() => {});
        },
      },
    ],
  });
  for (const options of [
    { graceful: true },
    { graceful: true, deadlineMs: 30_000 },
    { graceful: true, deadlineMs: 120_000 },
    // Logs contain these values, so they are whole milliseconds.
    { graceful: true, deadlineMs: 30_001 },
  ]) {
    await hooks.start();
    let stopped = false;
    const stopping = hooks.stop(options).then(() => {
      stopped = true;
    });
    await clock.advance(24_000);
    assert.equal(stopped, false);
    await clock.advance(30_000);
    await stopping;
  }
  assert.deepEqual(told, [50_000, 25_000, 50_000, 25_001]);
  assert.equal(clock.pending, 0);
});

test('LC-122 a stop that is not graceful does not ask managers to finish, but lets them clean up', async () => {
  const calls: string[] = [];
  const hooks = new ManagerHooks({ ...surroundings(calls), managers: [manager(calls)] });
  await hooks.start();
  calls.splice(0);
  await hooks.stop();
  assert.deepEqual(
    calls,
    STOP.filter((name) => name !== 'gracefulShutdown'),
  );
});

test('MG-20 a hook that does not end is given up after its limit', async () => {
  const clock = new FakeClock();
  const hooks = new ManagerHooks({ ...surroundings([]), clock, managers: [{ initHost: () => new Promise(() => {}) }] });
  const starting = assert.rejects(hooks.start(), {
    code: 'PORTICO_HOOK_TIMEOUT',
    message: /initHost did not finish within 120000 ms/,
  });
  await clock.advance(120_000);
  await starting;
});

test('LC-1339 MG-24 periodic tasks of managers run after a random delay and end with the stop, the current one awaited', async () => {
  const clock = new FakeClock();
  const runs: string[] = [];
  class Cleaner {
    @periodicTask({ spacing: 10, runImmediately: true })
    async clean(context: unknown): Promise<void> {
      runs.push(`began ${String(context)} ${clock.now()}`);
      await pause(2000, { clock });
      runs.push('ended');
    }
  }
  const tasks = new TaskGroup({ log, clock });
  const hooks = new ManagerHooks({
    name: 'x',
    log,
    clock,
    tasks,
    managers: [new Cleaner()],
    periodic: { fuzzyDelay: 60, random: () => 0.5, context: () => 'admin' },
  });
  await hooks.start();
  await clock.advance(31_000);
  assert.equal(hooks.periodicTasks[0]!.status()[0]!.running, true);
  const stopping = hooks.stop({ graceful: true });
  await clock.advance(60_000);
  await stopping;
  assert.deepEqual(runs, ['began admin 30000', 'ended']);
  assert.equal(clock.pending, 0);

  const disabled = new ManagerHooks({
    name: 'x',
    log,
    tasks: new TaskGroup({ log }),
    managers: [new Cleaner()],
    periodic: { enable: false },
  });
  await disabled.start();
  assert.deepEqual(disabled.periodicTasks, []);
  await disabled.stop();
});

test('what is lent to a manager is taken back when its service has stopped', async () => {
  const manager: Manager = {};
  const own = (): Promise<never> => new Promise(() => undefined);
  const other: Manager = { track: own };
  const hooks = new ManagerHooks({ name: 'x', log, tasks: new TaskGroup({ log }), managers: [manager, other] });
  for (let run = 0; run < 2; run++) {
    await hooks.start();
    assert.equal(typeof manager.track, 'function');
    await hooks.stop();
    assert.deepEqual([Object.hasOwn(manager, 'track'), other.track === own], [false, true]);
  }
});

test('LC-543 LC-544 requests in flight may spawn tasks until they end; timers do not run again', async () => {
  const clock = new FakeClock();
  const tasks = new TaskGroup({ log, clock });
  const seen: string[] = [];
  const hooks = new ManagerHooks({
    name: 'x',
    log,
    clock,
    tasks,
    finish: async () => {
      await pause(5000, { clock });
      tasks.spawn(() => seen.push('spawned by a request'));
    },
  });
  await hooks.start();
  tasks.addTimer(1, () => seen.push('timer'));
  await clock.advance(500);
  const stopping = hooks.stop({ graceful: true });
  await clock.advance(60_000);
  await stopping;
  assert.deepEqual(seen, ['timer', 'spawned by a request']);
});

test('MG-59 LC-1337 LC-1920 a stop during initHost: the start says it was stopped, wait settles, and no further step is taken', async () => {
  const calls: string[] = [];
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  let began = (): void => undefined;
  const begun = new Promise<void>((resolve) => (began = resolve));
  const initHost = (): Promise<void> => {
    began();
    return held;
  };
  const hooks = new ManagerHooks({ ...surroundings(calls), managers: [{ ...manager(calls), initHost }] });
  const life = new Lifecycle('compute', hooks);
  const starting = life.start();
  await begun;
  const stopping = life.stop({ graceful: true });
  release();
  await assert.rejects(starting, { code: 'PORTICO_SERVICE_STOPPED' });
  await stopping;
  await life.wait();
  assert.equal(life.state, 'stopped');
  assert.deepEqual(calls, ['read', 'cleanupHost', 'release']);
});

test('MG-59 LC-1332 the deadline of a stop bounds cleanupHost, and an initHost under way; both are named', async () => {
  const { lines, log } = recordedLog();
  for (const [hook, stop] of [
    ['cleanupHost', { graceful: true, deadlineMs: 5000 }],
    ['cleanupHost', { graceful: false, deadlineMs: 5000 }],
    ['initHost', { graceful: true, deadlineMs: 5000 }],
    ['cleanupHost', { graceful: false }],
    ['initHost', { graceful: false }],
  ] as const) {
    const clock = new FakeClock();
    const calls: string[] = [];
    let began = (): void => undefined;
    const begun = new Promise<void>((resolve) => (began = resolve));
    const never = (): Promise<void> => {
      began();
      return new Promise(() => {});
    };
    const hooks = new ManagerHooks({ ...surroundings(calls), log, clock, managers: [{ [hook]: never }] });
    const life = new Lifecycle('compute', hooks, clock);
    const starting = life.start().catch((error: unknown) => (error as { code: string }).code);
    await (hook === 'cleanupHost' ? starting : begun);
    lines.splice(0);
    let stopped = false;
    const stopping = life.stop(stop).then(() => {
      stopped = true;
    });
    const limit = stop.graceful || 'deadlineMs' in stop ? 5000 : 10_000;
    await clock.advance(limit - 100);
    assert.equal(stopped, false, `${hook} is given its time`);
    await clock.advance(1000);
    await stopping;
    assert.match(lines.map(({ msg, err }) => `${msg} ${err?.message}`).join(), new RegExp(`${hook} did not finish`));
    assert.equal(await starting, hook === 'initHost' ? 'PORTICO_SERVICE_STOPPED' : undefined);
    await life.wait();
    assert.equal(calls.at(-1), 'release');
    assert.equal(clock.pending, 0);
  }
});

test('LC-1332 a later stop that is not graceful does not wait for a cleanupHost under way', async () => {
  const clock = new FakeClock();
  let began = (): void => undefined;
  const cleaning = new Promise<void>((resolve) => (began = resolve));
  const cleanupHost = (): Promise<void> => {
    began();
    return new Promise(() => {});
  };
  const hooks = new ManagerHooks({ ...surroundings([]), clock, managers: [{ cleanupHost }] });
  const life = new Lifecycle('compute', hooks, clock);
  await life.start();
  const graceful = life.stop({ graceful: true });
  await cleaning;
  const forced = life.stop();
  await clock.advance(1000);
  await Promise.all([graceful, forced]);
});

test('MG-20 a hook that is not a function is refused by name, a misspelt one is a warning', () => {
  const { lines, log } = recordedLog();
  class Images {
    initHost = 5;
  }
  const made = (manager: object): ManagerHooks => new ManagerHooks({ ...surroundings([]), log, managers: [manager] });
  assert.throws(() => made(new Images()), {
    code: 'PORTICO_MANAGER',
    message: /initHost of the manager Images is a number/,
  });
  class Misspelt {
    init_host(): void {}
    cleanuphost(): void {}
    postStartHooks(): void {}
    restart(): void {}
  }
  made(new Misspelt());
  const said = lines.map(({ msg }) => msg).join();
  assert.match(said, /init_host.*initHost\?.*cleanuphost.*cleanupHost\?.*postStartHooks.*postStartHook\?/);
  assert.equal(lines.length, 3);
});
