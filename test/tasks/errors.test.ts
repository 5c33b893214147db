import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  FixedIntervalLoopingCall,
  LoopingCallDone,
  type PeriodicTaskOptions,
  PeriodicTasks,
  periodicTask,
  type RetryOptions,
  retry,
  TaskGroup,
} from 'portico/tasks';
import { FakeClock } from 'portico/testing';
import { recordedLog } from './recorded-log.js';

/** Casts a value that the compiler refuses, as JavaScript and configuration may pass it. */
const wrong = <T>(value: unknown): T => value as T;

test('an interval is a number of seconds, 0 or more, and 0 floods no log', async () => {
  const { log, messages } = recordedLog();
  for (const interval of [-1, Number.NaN, wrong<number>('5'), wrong<number>(undefined)]) {
    const invalid = { code: 'PORTICO_INVALID_INTERVAL' };
    assert.throws(() => new FixedIntervalLoopingCall(() => {}).start(interval, { log }), invalid);
    const group = new TaskGroup({ log });
    assert.throws(() => group.addTimer(interval, () => {}), invalid);
    assert.equal(group.timers.length, 0);
  }
  for (const interval of [0, 0.001]) {
    const clock = new FakeClock();
    let runs = 0;
    const { done } = new FixedIntervalLoopingCall(async () => {
      if (++runs === 100) throw new LoopingCallDone(runs);
      await new Promise<void>((resolve) => clock.after(2, resolve));
    }).start(interval, { clock, log });
    await clock.advance(10_000);
    assert.equal(await done, 100);
    assert.equal(messages().length, interval === 0 ? 0 : 1);
  }
});

test('LC-707 a periodic task says what is wrong with its options, with the nearest name', () => {
  const cases: [unknown, RegExp, RegExp?][] = [
    [5, /options of a periodic task are an object, not the number 5/],
    [null, /not null/],
    [[], /not a list/],
    [{ spacin: 5 }, /a periodic task has no option "spacin"/, /"spacing"/],
    [{ spacing: '5' }, /spacing .* is the text "5", not a number of seconds/],
    [{ scope: 'first_worker' }, /scope .* is the text "first_worker", not one of its values/, /"first-worker"/],
    [{ exclusive: 'clustre' }, /exclusive .* not one of its values/, /cluster/],
    [{ exclusive: true }, /exclusive .* is the boolean true, not one of its values/],
    [{ jitter: 2 }, /jitter .* is the number 2, not a number from 0 to 1/],
    [{ jitter: -0.1 }, /jitter/],
    [{ timeout: 0 }, /timeout .* above 0/],
    [{ enabled: 'yes' }, /enabled .* true, false, or a function/],
    [{ runImmediately: 1 }, /runImmediately .* true or false/],
    [{ externalProcessOk: 'no' }, /externalProcessOk/],
    [{ concurrent: 'no' }, /concurrent/],
    [{ name: '' }, /name .* a non-empty string/],
  ];
  const tasks = new PeriodicTasks({}, { log: recordedLog().log });
  for (const [options, message, hint] of cases) {
    const expected = { code: 'PORTICO_INVALID_PERIODIC_TASK_ARG', message, ...(hint && { hint }) };
    assert.throws(() => periodicTask(wrong<PeriodicTaskOptions>(options)), expected);
    assert.throws(() => tasks.addPeriodicTask(() => {}, wrong<PeriodicTaskOptions>(options)), expected);
  }
  assert.throws(() => tasks.addPeriodicTask(wrong(5)), { code: 'PORTICO_NOT_A_FUNCTION' });
  assert.throws(() => tasks.setSpacing('none', Number.NaN), { code: 'PORTICO_INVALID_PERIODIC_TASK_ARG' });
  assert.ok(tasks.empty);
});

test('a decorator of the kind before the standard is refused, and not a task that never runs', () => {
  class Images {
    tick(): void {}
  }
  // The arguments that compilers pass with `experimentalDecorators`.
  const old = [Images.prototype, 'tick', Object.getOwnPropertyDescriptor(Images.prototype, 'tick')] as const;
  for (const decorator of [periodicTask, periodicTask(), periodicTask({ spacing: 10 })]) {
    assert.throws(() => wrong<(...args: readonly unknown[]) => unknown>(decorator)(...old), {
      code: 'PORTICO_INVALID_PERIODIC_TASK_ARG',
      message: /periodic task tick uses a legacy decorator/,
      hint: /experimentalDecorators/,
    });
  }
});

test('a method is marked without a decorator too', async () => {
  class Images {
    ticks = 0;
    tick(): void {
      this.ticks++;
    }
  }
  periodicTask({ runImmediately: true })(Images.prototype.tick);
  const images = new Images();
  await new PeriodicTasks(images, { log: recordedLog().log }).runPeriodicTasks();
  assert.equal(images.ticks, 1);
});

test('retry says what is wrong with its options, and takes one class as well as several', async () => {
  const cases: [unknown, RegExp, RegExp?][] = [
    [5, /options of retry are an object, not the number 5/],
    [null, /not null/],
    [{ maxRetryCont: 5 }, /retry has no option "maxRetryCont"/, /"maxRetryCount"/],
    [{ maxRetryCount: 1.5 }, /maxRetryCount of retry is the number 1\.5, not a whole number/],
    [{ maxRetryCount: '3' }, /is the text "3"/],
    [{ incSleepTime: -1 }, /incSleepTime/],
    [{ maxSleepTime: Number.NaN }, /maxSleepTime/],
    [{ exceptions: 'TypeError' }, /exceptions of retry is .*, not a class of errors, a list of them, or a function/],
    [{ exceptions: ['TypeError'] }, /exceptions/],
    [{ signal: {} }, /AbortSignal/],
  ];
  for (const [options, message, hint] of cases) {
    const expected = { code: 'PORTICO_INVALID_RETRY', message, ...(hint && { hint }) };
    assert.throws(() => retry(wrong<RetryOptions>(options)), expected);
  }
  let calls = 0;
  const work = retry({ exceptions: TypeError, maxRetryCount: 3, incSleepTime: 0 })(() => {
    if (++calls === 1) throw new TypeError('passes');
    throw new RangeError('stays');
  });
  await assert.rejects(work(), RangeError);
  assert.equal(calls, 2);
});

test('a task group refuses what it cannot run or count, where it is given', async () => {
  const { log } = recordedLog();
  const group = new TaskGroup({ log });
  const notOne = { code: 'PORTICO_NOT_A_FUNCTION' };
  assert.throws(() => group.spawn(wrong<() => void>('x')), {
    ...notOne,
    message: 'a task must be a function, not the text "x"',
  });
  assert.throws(() => group.addTimer(1, wrong<() => void>(undefined)), notOne);
  assert.throws(() => group.addDynamicTimer(wrong<() => void>(null)), notOne);
  assert.throws(() => new FixedIntervalLoopingCall(wrong<() => void>({})), notOne);
  assert.throws(() => new TaskGroup({ limit: wrong('3') }), /a number of at least 1, not the text "3"/);
  assert.equal(group.size, 0);
  await group.stop();
});
