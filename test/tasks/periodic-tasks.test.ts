import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PeriodicTasks, type PeriodicTasksOptions, periodicTask, type TaskContext, TaskGroup } from 'portico/tasks';
import { FakeClock } from 'portico/testing';
import { PeriodicRunner, pause } from '#internal/tasks';
import { deferred } from '../../dist/tasks/deferred.js';
import { recordedLog } from './recorded-log.js';

/** Returns the periodic tasks of an object without methods, and their clock. */
function bare(options: PeriodicTasksOptions & { readonly clock?: FakeClock } = {}): {
  tasks: PeriodicTasks;
  clock: FakeClock;
  messages: () => string[];
} {
  class Manager {}
  const { clock = new FakeClock() } = options;
  const { log, messages } = recordedLog();
  return { tasks: new PeriodicTasks(new Manager(), { clock, log, random: () => 0, ...options }), clock, messages };
}

/** Runs one pass, and advances the clock only for its own turns. */
async function pass(tasks: PeriodicTasks, clock: FakeClock, context?: unknown): Promise<number> {
  const passing = tasks.runPeriodicTasks(context);
  for (let turn = 0; turn < 20; turn++) await clock.advance(0);
  return passing;
}

test('LC-701 the decorator is used bare or with options, and the method gets the context and a signal', async () => {
  const seen: unknown[] = [];
  class Manager {
    word = 'mine';
    @periodicTask
    bare(context: unknown): void {
      seen.push(['bare', this.word, context]);
    }
    @periodicTask({ spacing: 10, runImmediately: true })
    async quick(context: unknown, { signal }: TaskContext): Promise<void> {
      seen.push(['quick', this.word, context, signal.aborted]);
    }
  }
  const clock = new FakeClock();
  const tasks = new PeriodicTasks(new Manager(), { clock, log: recordedLog().log, random: () => 0 });
  assert.equal(await pass(tasks, clock, 'admin'), 10);
  assert.deepEqual(seen, [['quick', 'mine', 'admin', false]]);
  await clock.advance(60_000);
  await pass(tasks, clock, 'admin');
  assert.deepEqual(seen.slice(1), [
    ['bare', 'mine', 'admin'],
    ['quick', 'mine', 'admin', false],
  ]);
});

test('LC-702 LC-704 negative spacing and enabled false leave a task out, with a line; enabled may be a function', () => {
  const { tasks, messages } = bare({ conf: { syncing: false } });
  tasks.addPeriodicTask(() => {}, { name: 'negative', spacing: -1 });
  tasks.addPeriodicTask(() => {}, { name: 'disabled', enabled: false });
  tasks.addPeriodicTask(() => {}, { name: 'asked', enabled: (conf) => (conf as { syncing: boolean }).syncing });
  assert.equal(tasks.empty, true);
  assert.deepEqual(messages(), [
    'Skipping periodic task negative because its interval is negative',
    'Skipping periodic task disabled because it is disabled',
    'Skipping periodic task asked because it is disabled',
  ]);
});

test('LC-702 LC-703 LC-708 LC-712 LC-722 spacing 0 is 60 s, counted from the first pass', async () => {
  const { tasks, clock } = bare();
  let runs = 0;
  tasks.addPeriodicTask(() => void runs++, { spacing: 0 });
  await clock.advance(1e9);
  assert.equal(await pass(tasks, clock), 60);
  assert.equal(runs, 0);
  await clock.advance(59_000);
  assert.equal(await pass(tasks, clock), 1);
  await clock.advance(1000);
  assert.equal(await pass(tasks, clock), 60);
  assert.equal(runs, 1);
});

test('LC-712 all tasks count from the start of the first pass, also behind a task that takes long there', async () => {
  const { tasks, clock } = bare();
  const ran: string[] = [];
  const long = async (): Promise<void> => {
    ran.push(`long ${clock.now() / 1000}`);
    await pause(90_000, { clock });
  };
  tasks.addPeriodicTask(long, { spacing: 600, runImmediately: true });
  tasks.addPeriodicTask(() => void ran.push(`due ${clock.now() / 1000}`), { spacing: 60 });
  tasks.addPeriodicTask(() => void ran.push(`later ${clock.now() / 1000}`), { spacing: 100 });
  const passing = tasks.runPeriodicTasks();
  await clock.advance(90_000);
  assert.equal(await passing, 10);
  assert.deepEqual(ran, ['long 0', 'due 90']);
});

test('LC-706 external tasks are left out where the option says so, asked in every pass; they do not count for idling', async () => {
  let external = false;
  const { tasks, clock } = bare({ runExternalPeriodicTasks: () => external });
  let runs = 0;
  tasks.addPeriodicTask(() => void runs++, { externalProcessOk: true, spacing: 5, runImmediately: true });
  assert.equal(await pass(tasks, clock), 60);
  assert.equal(runs, 0);
  external = true;
  assert.equal(await pass(tasks, clock), 5);
  assert.equal(runs, 1);
});

test('LC-711 LC-713 LC-714 LC-1926 parents first; an override is called, replaces, or removes', async () => {
  const seen: string[] = [];
  class Parent {
    @periodicTask({ spacing: 1 })
    kept(): void {
      seen.push('kept');
    }
    @periodicTask({ spacing: 1 })
    plainOverride(): void {
      seen.push('parent');
    }
    @periodicTask({ spacing: 1 })
    replaced(): void {
      seen.push('parent');
    }
    @periodicTask({ spacing: 1 })
    removed(): void {
      seen.push('parent');
    }
    @periodicTask({ spacing: 1, name: 'sync' })
    byName(): void {
      seen.push('parent');
    }
  }
  class Child extends Parent {
    @periodicTask({ spacing: 1 })
    own(): void {
      seen.push('own');
    }
    override plainOverride(): void {
      seen.push('plain override');
    }
    @periodicTask({ spacing: 2 })
    override replaced(): void {
      seen.push('replaced');
    }
    @periodicTask({ enabled: false })
    override removed(): void {
      seen.push('removed');
    }
    @periodicTask({ spacing: 1, name: 'sync' })
    otherMethod(): void {
      seen.push('by name');
    }
  }
  const clock = new FakeClock();
  const child = new PeriodicTasks(new Child(), { clock, log: recordedLog().log, random: () => 0 });
  const parent = new PeriodicTasks(new Parent(), { clock, log: recordedLog().log, random: () => 0 });
  await pass(child, clock);
  await pass(parent, clock);
  await clock.advance(2000);
  await pass(child, clock);
  assert.deepEqual(seen.splice(0), ['kept', 'plain override', 'replaced', 'by name', 'own']);
  await pass(parent, clock);
  assert.deepEqual(seen, ['kept', 'parent', 'parent', 'parent', 'parent']);
});

test('LC-715 a task that is added belongs to one object and gets its context', async () => {
  const first = bare();
  const second = bare();
  const seen: unknown[] = [];
  first.tasks.addPeriodicTask((context) => seen.push(context), { runImmediately: true });
  await pass(first.tasks, first.clock, 'one');
  await pass(second.tasks, second.clock, 'two');
  assert.deepEqual(seen, ['one']);
});

test('LC-721 LC-722 a pass runs what is due in order and gives the shortest time until the next', async () => {
  const { tasks, clock, messages } = bare();
  tasks.addPeriodicTask(() => {}, { name: 'a', spacing: 30, runImmediately: true });
  tasks.addPeriodicTask(() => {}, { name: 'b', spacing: 100 });
  tasks.addPeriodicTask(() => {}, { name: 'c', spacing: 45, runImmediately: true });
  assert.equal(await pass(tasks, clock), 30);
  assert.deepEqual(messages(), ['Running periodic task Manager.a', 'Running periodic task Manager.c']);
  await clock.advance(25_000);
  assert.equal(await pass(tasks, clock), 5);
  assert.equal(messages().length, 2);
  assert.equal(await bare().tasks.runPeriodicTasks(), 60);
});

test('LC-723 LC-1923 an error is logged; the others run, and the task keeps its schedule', async () => {
  const { tasks, clock, messages } = bare();
  let runs = 0;
  tasks.addPeriodicTask(
    () => {
      throw new Error('no');
    },
    { name: 'bad', spacing: 10, runImmediately: true },
  );
  tasks.addPeriodicTask(() => void runs++, { name: 'good', spacing: 10, runImmediately: true });
  await pass(tasks, clock);
  await pass(tasks, clock);
  assert.equal(runs, 1);
  assert.deepEqual(
    messages().filter((line) => line.startsWith('Error')),
    ['Error during Manager.bad'],
  );
});

test('LC-724 with raiseOnError the first error ends the pass', async () => {
  const { tasks } = bare();
  let runs = 0;
  tasks.addPeriodicTask(() => Promise.reject(new Error('no')), { spacing: 10, runImmediately: true });
  tasks.addPeriodicTask(() => void runs++, { spacing: 10, runImmediately: true });
  await assert.rejects(tasks.runPeriodicTasks(null, { raiseOnError: true }), /no/);
  assert.equal(runs, 0);
});

test('LC-725 runs stay on the grid of the first; missed ones collapse into one', async () => {
  const { tasks, clock } = bare();
  const runs: number[] = [];
  tasks.addPeriodicTask(() => void runs.push(clock.now() / 1000), { spacing: 10, runImmediately: true });
  await clock.advance(3300);
  assert.equal(await pass(tasks, clock), 10);
  await clock.advance(11_000);
  assert.equal(await pass(tasks, clock), 10);
  await clock.advance(34_000);
  await pass(tasks, clock);
  assert.equal(await pass(tasks, clock), 5);
  await clock.advance(5000);
  await pass(tasks, clock);
  assert.deepEqual(runs, [3.3, 14.3, 48.3, 53.3]);
});

test('LC-725 a clock that stands on a boundary but for rounding does not run a task twice', async () => {
  const { tasks, clock } = bare();
  let runs = 0;
  tasks.addPeriodicTask(() => void runs++, { spacing: 0.1 });
  await clock.advance(100);
  await pass(tasks, clock);
  for (let tick = 0; tick < 100; tick++) {
    await clock.advance(100);
    await pass(tasks, clock);
    await pass(tasks, clock);
  }
  assert.equal(runs, 100);
});

/** Times of tasks, as they outlive processes, by a wall clock. */
class WallTimes {
  readonly times = new Map<string, number>();
  readonly #clock: FakeClock;
  offsetMs = 1_700_000_000_000;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  now = (): number => this.#clock.now() + this.offsetMs;
  get = (task: string): number | undefined => this.times.get(task);
  set = (task: string, at: number): void => void this.times.set(task, at);
}

test('S3-7 a task keeps its schedule in the processes after its own, however often they are replaced', async () => {
  const clock = new FakeClock();
  const lastRuns = new WallTimes(clock);
  const runs: number[] = [];
  const replaced = (options: object = {}): PeriodicTasks => {
    const { tasks } = bare({ clock, lastRuns });
    tasks.addPeriodicTask(() => void runs.push(clock.now() / 1000), { name: 'clean', spacing: 600, ...options });
    return tasks;
  };
  for (let reload = 0; reload < 10; reload++) {
    const tasks = replaced();
    for (let second = 0; second < 250; second += 50) {
      await pass(tasks, clock);
      await clock.advance(50_000);
    }
  }
  assert.deepEqual(runs, [600, 1200, 1800, 2400]);

  // A wall clock that is set back by an hour neither delays the task nor lets it run at once.
  runs.length = 0;
  lastRuns.offsetMs -= 3_600_000;
  const late = replaced();
  await pass(late, clock);
  await clock.advance(599_000);
  await pass(late, clock);
  assert.deepEqual(runs, []);
  await clock.advance(1000);
  await pass(late, clock);
  assert.equal(runs.length, 1);

  // A shorter spacing of the next configuration applies.
  await clock.advance(100_000);
  await pass(replaced({ spacing: 60 }), clock);
  assert.equal(runs.length, 2);
  // And a run at each start stays one.
  await pass(replaced({ runImmediately: true }), clock);
  assert.equal(runs.length, 3);
});

test('S3-7 while one process replaces another, a run of the old one is none that the new one misses', async () => {
  const clock = new FakeClock();
  const lastRuns = new WallTimes(clock);
  const runs: string[] = [];
  const process = (name: string): PeriodicTasks => {
    const { tasks } = bare({ clock, lastRuns });
    tasks.addPeriodicTask(() => void runs.push(name), { name: 'clean', spacing: 600 });
    return tasks;
  };
  const old = process('old');
  await pass(old, clock);
  await clock.advance(599_000);
  const next = process('next');
  assert.equal(await pass(next, clock), 1);
  await clock.advance(1000);
  await pass(old, clock);
  assert.equal(await pass(next, clock), 60);
  assert.equal(next.untilNext(), 600);
  assert.deepEqual(runs, ['old']);
});

test('LC-726 jitter delays by whole seconds, at most 5 % of the spacing, and not at all for 20 s or less', async () => {
  for (const [spacing, random, expected] of [
    [100, 0.999, 104],
    [100, 0.5, 102],
    [20, 0.999, 20],
    [19, 0.999, 19],
  ] as const) {
    const { tasks, clock } = bare({ random: () => random });
    const runs: number[] = [];
    tasks.addPeriodicTask(() => void runs.push(clock.now() / 1000), { spacing, runImmediately: true });
    await pass(tasks, clock);
    for (let second = 1; second <= 250; second++) {
      await clock.advance(1000);
      const passing = tasks.runPeriodicTasks();
      await clock.advance(0);
      await clock.advance(0);
      await passing;
    }
    assert.equal(runs[1], spacing);
    assert.equal(runs[2]! - runs[1]!, expected);
  }
});

test('LC-727 a task that runs longer than twice its spacing is named in the log', async () => {
  const { tasks, clock, messages } = bare();
  tasks.addPeriodicTask(() => pause(25_000, { clock }), { name: 'slow', spacing: 10, runImmediately: true });
  const passing = tasks.runPeriodicTasks();
  await clock.advance(19_000);
  assert.equal(messages().length, 1);
  await clock.advance(10_000);
  await passing;
  assert.match(messages()[1]!, /Manager\.slow is running for more than twice its spacing of 10 s/);
});

test('LC-727 twenty concurrent tasks under one signal are no leak to Node, and all of them hear the stop', async () => {
  const { tasks, clock } = bare();
  const warnings: Error[] = [];
  const onWarning = (warning: Error): void => void warnings.push(warning);
  process.on('warning', onWarning);
  let stopped = 0;
  for (let n = 0; n < 20; n++) {
    tasks.addPeriodicTask(
      (_context: unknown, { signal }: TaskContext) =>
        new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => {
            stopped += 1;
            resolve();
          });
        }),
      { name: `task ${n}`, runImmediately: true, concurrent: true },
    );
  }
  const stop = new AbortController();
  const passing = tasks.runPeriodicTasks(undefined, { signal: stop.signal });
  for (let turn = 0; turn < 60; turn++) await clock.advance(0);
  await passing;
  stop.abort();
  await tasks.settled();
  await new Promise(setImmediate);
  process.off('warning', onWarning);
  assert.equal(stopped, 20);
  assert.deepEqual(warnings, []);
});

test('LC-727 a concurrent task does not hold up the others and never overlaps itself', async () => {
  const { tasks, clock } = bare();
  let slow = 0;
  let quick = 0;
  tasks.addPeriodicTask(
    async () => {
      slow++;
      await pause(25_000, { clock });
    },
    { spacing: 10, runImmediately: true, concurrent: true },
  );
  tasks.addPeriodicTask(() => void quick++, { spacing: 10, runImmediately: true });
  for (let second = 0; second < 30; second += 10) {
    assert.equal(await pass(tasks, clock), 10);
    await clock.advance(10_000);
  }
  assert.deepEqual([slow, quick], [1, 3]);
  await pass(tasks, clock);
  assert.deepEqual([slow, quick], [2, 4]);
});

test('a task that passes its time limit is aborted, and is not begun again until it ended', async () => {
  const { tasks, clock, messages } = bare();
  let began = 0;
  let reason: unknown;
  const stubborn = async (_context: unknown, { signal }: TaskContext): Promise<void> => {
    began++;
    signal.addEventListener('abort', () => {
      reason = signal.reason;
    });
    await pause(40_000, { clock });
  };
  tasks.addPeriodicTask(stubborn, { spacing: 10, timeout: 5, runImmediately: true });
  const passing = tasks.runPeriodicTasks();
  await clock.advance(6000);
  await passing;
  assert.equal((reason as Error).name, 'TimeoutError');
  assert.ok(messages().includes('Periodic task Manager.stubborn exceeded its limit of 5 s'));
  await clock.advance(10_000);
  await pass(tasks, clock);
  assert.equal(began, 1);
});

test('MG-25 a task that is exclusive in the cluster runs where the lease is', async () => {
  const asked: unknown[] = [];
  let mine = false;
  const lease = async (task: string, seconds: number): Promise<boolean> => {
    asked.push([task, seconds]);
    return mine;
  };
  const { tasks, clock } = bare({ lease });
  let runs = 0;
  tasks.addPeriodicTask(() => void runs++, { name: 'clean', spacing: 10, runImmediately: true, exclusive: 'cluster' });
  await pass(tasks, clock);
  assert.equal(runs, 0);
  mine = true;
  await clock.advance(10_000);
  await pass(tasks, clock);
  assert.equal(runs, 1);
  assert.deepEqual(asked, Array(2).fill(['Manager.clean', 20]));
});

test('MG-25 the lease is renewed until the run ends; a run that loses it has its signal aborted', async () => {
  let asked = 0;
  let answer = async (): Promise<boolean> => true;
  const lease = (): Promise<boolean> => {
    asked++;
    return answer();
  };
  const { tasks, clock } = bare({ lease });
  let run = deferred();
  let given: AbortSignal | undefined;
  const clean = ({ signal }: { readonly signal: AbortSignal }): Promise<void> => {
    given = signal;
    return run.promise;
  };
  const options = { name: 'clean', spacing: 10, runImmediately: true, exclusive: 'cluster', concurrent: true } as const;
  tasks.addPeriodicTask((_context, rest) => clean(rest), options);
  await pass(tasks, clock);
  await clock.advance(35_000);
  assert.deepEqual([asked, given!.aborted], [4, false]);
  run.resolve();
  await tasks.settled();
  await clock.advance(60_000);
  assert.equal(asked, 4);
  for (const [lost, reason] of [
    [async () => false, /lost its lease: another host has it/],
    [() => Promise.reject(new Error('no database')), /lost its lease: no database/],
  ] as const) {
    run = deferred();
    answer = async () => true;
    await pass(tasks, clock);
    answer = lost;
    assert.equal(given!.aborted, false);
    await clock.advance(10_000);
    assert.equal(given!.aborted, true);
    assert.match(String(given!.reason), reason);
    asked = 0;
    await clock.advance(60_000);
    assert.equal(asked, 0);
    run.resolve();
    await tasks.settled();
  }
});

const forEver = (): Promise<never> => new Promise(() => {});

test('RV-7 MG-25 a run whose renewal hangs has its signal aborted before another host can begin', async () => {
  const clock = new FakeClock();
  let held = { owner: '', until: 0 };
  let hangs = false;
  const events: string[] = [];
  const hostOf = (owner: string): PeriodicTasks => {
    const lease = async (_task: string, seconds: number): Promise<boolean> => {
      if (hangs && owner === 'north') return forEver();
      if (held.owner !== owner && clock.now() < held.until) return false;
      held = { owner, until: clock.now() + seconds * 1000 };
      return true;
    };
    const { tasks } = bare({ clock, lease });
    const clean = async (_context: unknown, { signal }: TaskContext): Promise<void> => {
      events.push(`${owner} begins`);
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      events.push(`${owner} ends: ${(signal.reason as Error).message}`);
    };
    const options = { name: 'clean', spacing: 10, runImmediately: true, exclusive: 'cluster' } as const;
    tasks.addPeriodicTask(clean, { ...options, concurrent: true });
    return tasks;
  };
  const [north, south] = [hostOf('north'), hostOf('south')];
  await pass(north, clock);
  await clock.advance(25_000);
  hangs = true;
  for (let seconds = 0; seconds < 60 && !events.includes('south begins'); seconds++) {
    await pass(south, clock);
    await clock.advance(1000);
  }
  assert.deepEqual(events, [
    'north begins',
    'north ends: the periodic task has lost its lease: the registry has not renewed it in time',
    'south begins',
  ]);
});

test('MG-25 without a registry a task that is exclusive in the cluster runs, and says once that it does so on every host', async () => {
  const clock = new FakeClock();
  const { log, messages } = recordedLog();
  const tasks = new PeriodicTasks({}, { clock, log });
  let runs = 0;
  tasks.addPeriodicTask(() => void runs++, { name: 'clean', spacing: 10, runImmediately: true, exclusive: 'cluster' });
  for (const ms of [0, 10_000]) {
    await clock.advance(ms);
    await pass(tasks, clock);
  }
  assert.equal(runs, 2);
  assert.equal(messages().filter((text) => text.includes('it runs on every host')).length, 1);
});

test('LC-705 MG-26 the state of tasks can be shown; their spacing changed', async () => {
  const { tasks, clock } = bare();
  tasks.addPeriodicTask(
    () => {
      throw new Error('no');
    },
    { name: 'bad', spacing: 10, runImmediately: true },
  );
  await pass(tasks, clock);
  await clock.advance(4000);
  assert.deepEqual(tasks.status(), [
    {
      name: 'bad',
      spacing: 10,
      running: false,
      runs: 1,
      errors: 1,
      lastStartAgo: 4,
      lastEndAgo: 4,
      lastSeconds: 0,
      lastError: 'no',
      lastFailure: 'no',
      lastFailureAgo: 4,
      nextIn: 6,
    },
  ]);
  assert.equal(tasks.setSpacing('bad', 20), true);
  assert.equal(tasks.setSpacing('worse', 20), false);
  assert.equal(await pass(tasks, clock), 16);
});

test('LC-705 a run in progress has an age, an ended one a duration; a failure is known after the next success', async () => {
  const { tasks, clock } = bare();
  const runs: unknown[] = [];
  tasks.onRun = (...run) => runs.push(run);
  const work = [deferred(), deferred()];
  let at = 0;
  tasks.addPeriodicTask(() => work[at++]!.promise, { name: 'sync', spacing: 10, runImmediately: true });
  let passed = tasks.runPeriodicTasks();
  await clock.advance(12_000);
  const [running] = tasks.status();
  assert.deepEqual([running!.running, running!.runningFor, running!.lastSeconds], [true, 12, undefined]);
  assert.deepEqual(tasks.running, ['sync']);
  work[0]!.reject(new Error('down'));
  await clock.advance(0);
  await passed;
  passed = tasks.runPeriodicTasks();
  await clock.advance(3000);
  work[1]!.resolve();
  await clock.advance(0);
  await passed;
  const [ended] = tasks.status();
  assert.deepEqual(
    [ended!.running, ended!.runningFor, ended!.lastSeconds, ended!.lastError, ended!.lastFailure],
    [false, undefined, 3, undefined, 'down'],
  );
  assert.equal(ended!.lastFailureAgo, 3);
  assert.deepEqual(runs, [
    ['sync', 12, 'failed'],
    ['sync', 3, 'ok'],
  ]);
  assert.deepEqual(tasks.running, []);
});

test('LC-727 LC-728 LC-544 a runner makes passes until its group stops; no task begins after that', async () => {
  const clock = new FakeClock();
  const { log } = recordedLog();
  const { tasks } = bare({ clock });
  const began: string[] = [];
  let ended = false;
  tasks.addPeriodicTask(() => began.push(`a${clock.now()}`), { spacing: 10 });
  tasks.addPeriodicTask(
    async () => {
      began.push(`b${clock.now()}`);
      await pause(5000, { clock });
      ended = true;
    },
    { spacing: 40 },
  );
  tasks.addPeriodicTask(() => began.push(`c${clock.now()}`), { spacing: 40 });
  const group = new TaskGroup({ clock, log });
  const runner = new PeriodicRunner(tasks, { fuzzyDelay: 60, random: () => 0.5 });
  runner.start(group);
  runner.start(group);
  assert.equal(group.timers.length, 1);
  await clock.advance(72_000);
  assert.equal(runner.running, true);
  let stopped = false;
  const stopping = group.stop({ graceful: true }).then(() => {
    stopped = true;
  });
  await clock.advance(2000);
  assert.equal(stopped, false);
  await clock.advance(60_000);
  await stopping;
  assert.equal(ended, true);
  assert.deepEqual(began, ['a40000', 'a50000', 'a60000', 'a70000', 'b70000']);
  assert.equal(clock.pending, 0);
});

test('LC-727 a runner keeps runs on their grid, although they take time; what a run misses itself is skipped', async () => {
  for (const [seconds, expected] of [
    [3, [0, 5, 10, 15]],
    [8, [0, 10]],
  ] as const) {
    const { tasks, clock } = bare();
    const group = new TaskGroup({ clock });
    const starts: number[] = [];
    const run = async (_: unknown, { signal }: TaskContext): Promise<void> => {
      starts.push(clock.now() / 1000);
      await pause(seconds * 1000, { clock, signal });
    };
    tasks.addPeriodicTask(run, { spacing: 5, runImmediately: true });
    new PeriodicRunner(tasks, { fuzzyDelay: 0 }).start(group);
    for (let tick = 0; tick < 190; tick++) await clock.advance(100);
    assert.deepEqual(
      starts.map((at) => Math.floor(at)),
      expected,
    );
    const stopped = group.stop();
    await clock.advance(0);
    await stopped;
  }
});

test('a runner without tasks starts nothing', () => {
  const group = new TaskGroup({ log: recordedLog().log });
  new PeriodicRunner(bare().tasks).start(group);
  assert.deepEqual(group.timers, []);
});
