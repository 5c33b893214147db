import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import {
  BackOffLoopingCall,
  DynamicLoopingCall,
  FixedIntervalLoopingCall,
  FixedIntervalWithTimeoutLoopingCall,
  LoopingCallDone,
  type TaskContext,
} from 'portico/tasks';
import { FakeClock } from 'portico/testing';
import { pause } from '#internal/tasks';
import { recordedLog } from './recorded-log.js';

/** Converts to seconds, without rounding errors of sums. */
const seconds = (ms: number): number => Math.round(ms * 1000) / 1e6;

/** Returns a function whose runs take these times in turn, and which ends its loop after the last, and the times of its runs. */
function taking(clock: FakeClock, ...times: number[]): { work: () => Promise<void>; began: number[]; ended: number[] } {
  const began: number[] = [];
  const ended: number[] = [];
  const left = [...times];
  const work = async (): Promise<void> => {
    began.push(seconds(clock.now()));
    const time = left.shift();
    if (time === undefined) throw new LoopingCallDone();
    await pause(time * 1000, { clock });
    ended.push(seconds(clock.now()));
  };
  return { work, began, ended };
}

/** Returns the idle time after each run. */
const idles = (runs: { began: number[]; ended: number[] }): number[] =>
  runs.ended.map((end, index) => Math.round((runs.began[index + 1]! - end) * 1e6) / 1e6);

test('LC-621 LC-622 LC-624 fixed interval: idle from start to start, a long run is followed at once with a warning', async () => {
  const clock = new FakeClock();
  const { log, messages } = recordedLog();
  const runs = taking(clock, 0.99, 2.0, 1.01);
  new FixedIntervalLoopingCall(runs.work).start(1.01, { clock, log });
  await clock.advance(10_000);
  assert.deepEqual(idles(runs), [0.02, 0, 0]);
  assert.deepEqual(messages(), ['Function work run outlasted interval by 0.99 sec']);
});

test('LC-621 the excess is rounded to hundredths of a second before it counts', async () => {
  const clock = new FakeClock();
  const { log, messages } = recordedLog();
  const runs = taking(clock, 1.004, 0.5);
  new FixedIntervalLoopingCall(runs.work).start(1, { clock, log });
  await clock.advance(10_000);
  assert.deepEqual(idles(runs), [0, 0.5]);
  assert.deepEqual(messages(), []);
});

test('LC-623 runs keep to the grid of the first, and a pause of the process is not made up in a burst', async () => {
  const clock = new FakeClock();
  const began: number[] = [];
  const loop = new FixedIntervalLoopingCall(() => void began.push(seconds(clock.now())));
  loop.start(0.25, { clock });
  await clock.advance(50 * 250 - 1);
  assert.equal(began.length, 50);
  assert.equal(began[49], 49 * 0.25);
  loop.stop();

  // A clock that jumps ahead, as after a machine was suspended.
  let ahead = 0;
  const jumping = { now: () => clock.now() + ahead, after: clock.after.bind(clock) };
  const calls: number[] = [];
  const jumped = new FixedIntervalLoopingCall(() => void calls.push(clock.now()));
  const origin = clock.now();
  jumped.start(1, { clock: jumping });
  await clock.advance(1500);
  ahead = 3_600_000;
  await clock.advance(3000);
  assert.deepEqual(
    calls.map((at) => at - origin),
    [0, 1000, 2000, 3000, 4000],
  );
  jumped.stop();
});

test('LC-3 LC-1922 setting the wall clock does not move a timer', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 0 });
  const clock = new FakeClock();
  let calls = 0;
  const loop = new FixedIntervalLoopingCall(() => {
    t.mock.timers.setTime(calls++ % 2 === 0 ? 1e12 : 0);
  });
  loop.start(1, { clock });
  return clock.advance(9500).then(() => {
    loop.stop();
    assert.equal(calls, 10);
  });
});

test('LC-601 arguments are given to every call, with a signal behind them; cycles never overlap', async () => {
  const clock = new FakeClock();
  const seen: unknown[] = [];
  let running = 0;
  const loop = new FixedIntervalLoopingCall(
    async (a: string, b: number, context: TaskContext) => {
      seen.push([a, b, context.signal.aborted, ++running]);
      await pause(3000, { clock });
      running--;
    },
    'x',
    7,
  );
  loop.start(1, { clock, log: recordedLog().log });
  await clock.advance(7000);
  assert.deepEqual(seen, [
    ['x', 7, false, 1],
    ['x', 7, false, 1],
    ['x', 7, false, 1],
  ]);
  loop.stop();
});

test('LC-602 LC-606 start gives the promise of the end; LoopingCallDone gives the value, false and null too', async () => {
  for (const value of [true, false, null, 'result', 0]) {
    const loop = new FixedIntervalLoopingCall(() => {
      throw new LoopingCallDone(value);
    });
    const { done } = loop.start(1);
    assert.equal(await done, value);
    assert.equal(await loop.wait(), value);
  }
  assert.equal(new LoopingCallDone().retvalue, true);
});

test('LC-602 LC-607 an error ends the loop, is logged and given by wait, and is never an unhandled rejection', async () => {
  const { log, lines } = recordedLog();
  const unhandled: unknown[] = [];
  const listener = (error: unknown): void => void unhandled.push(error);
  process.on('unhandledRejection', listener);
  const loop = new FixedIntervalLoopingCall(function sync() {
    throw new Error('broken');
  });
  loop.start(1, { log });
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', listener);
  assert.deepEqual(unhandled, []);
  assert.equal(loop.running, false);
  await assert.rejects(loop.wait(), /broken/);
  assert.equal(lines[0]!.msg, "Fixed interval looping call 'sync' failed");
  assert.equal(lines[0]!.err!.message, 'broken');
});

test('LC-603 a second start while running is refused, in the words of each kind; afterwards state is fresh', async () => {
  const clock = new FakeClock();
  const loops: [FixedIntervalLoopingCall<[]> | DynamicLoopingCall<[]> | BackOffLoopingCall<[]>, () => void, string][] =
    [];
  const fixed = new FixedIntervalLoopingCall(() => {});
  loops.push([
    fixed,
    () => fixed.start(1, { clock }),
    'A fixed interval looping call can only run one function at a time',
  ]);
  const dynamic = new DynamicLoopingCall(() => 1);
  loops.push([
    dynamic,
    () => dynamic.start({ clock }),
    'A dynamic interval looping call can only run one function at a time',
  ]);
  const backOff = new BackOffLoopingCall(() => true);
  loops.push([
    backOff,
    () => backOff.start({ clock }),
    'A back off interval looping call can only run one function at a time',
  ]);
  for (const [loop, start, message] of loops) {
    start();
    assert.throws(start, { code: 'PORTICO_ALREADY_RUNNING', message });
    loop.stop();
    assert.equal(await loop.wait(), true);
    start();
    assert.equal(loop.running, true);
    loop.stop();
    await loop.wait();
  }
});

test('LC-604 the initial delay comes first; a stop during it ends the loop without a call', async () => {
  const clock = new FakeClock();
  const began: number[] = [];
  const loop = new FixedIntervalLoopingCall(() => void began.push(clock.now()));
  loop.start(10, { initialDelay: 5, clock });
  await clock.advance(16_000);
  assert.deepEqual(began, [5000, 15_000]);
  loop.stop();
  const other = new FixedIntervalLoopingCall(() => assert.fail('called'));
  other.start(10, { initialDelay: 5, clock });
  await clock.advance(4000);
  other.stop();
  assert.equal(await other.wait(), true);
  assert.equal(clock.pending, 0);
});

test('LC-605 stop wakes a sleeping loop, lets a running call finish and drops its result', async () => {
  const clock = new FakeClock();
  const sleeping = new DynamicLoopingCall(() => 1000);
  sleeping.stop();
  sleeping.start({ clock });
  await clock.advance(1);
  sleeping.stop();
  sleeping.stop();
  assert.equal(await sleeping.wait(), true);

  let finished = false;
  const running = new DynamicLoopingCall(async ({ signal }: TaskContext) => {
    await pause(1e9, { clock, signal });
    finished = true;
    return 'not a number';
  });
  running.start({ clock });
  await clock.advance(1);
  running.stop();
  assert.equal(await running.wait(), true);
  assert.equal(finished, true);
});

test('LC-605 a call that ends because it was asked to is no failure', async () => {
  const { log, lines } = recordedLog();
  const loop = new FixedIntervalLoopingCall(async ({ signal }: TaskContext) => {
    await pause(1e9, { signal });
    signal.throwIfAborted();
  });
  loop.start(1, { log });
  await new Promise((resolve) => setImmediate(resolve));
  loop.stop(new DOMException('going', 'AbortError'));
  assert.equal(await loop.wait(), true);
  assert.deepEqual(lines, []);
});

test('LC-608 with stopOnException false the loop goes on after an error, but not after LoopingCallDone', async () => {
  const clock = new FakeClock();
  const { log, messages } = recordedLog();
  let calls = 0;
  const loop = new FixedIntervalLoopingCall(function flaky() {
    calls++;
    if (calls === 3) throw new LoopingCallDone('enough');
    throw new Error(`failure ${calls}`);
  });
  loop.start(1, { stopOnException: false, clock, log });
  await clock.advance(10_000);
  assert.equal(await loop.wait(), 'enough');
  assert.equal(calls, 3);
  assert.deepEqual(messages(), Array(2).fill("Fixed interval looping call 'flaky' failed"));
});

test('LC-609 a loop without a pause yields to the event loop between two calls', async () => {
  const order: string[] = [];
  const loop = new DynamicLoopingCall(() => {
    order.push('call');
    if (order.length >= 5) throw new LoopingCallDone();
    setImmediate(() => order.push('others'));
    return 0;
  });
  await loop.start().done;
  assert.deepEqual(order, ['call', 'others', 'call', 'others', 'call']);
});

test('LC-610 LC-611 wait before start is refused; running is true between start and end', async () => {
  const loop = new FixedIntervalLoopingCall(() => {
    throw new LoopingCallDone();
  });
  await assert.rejects(loop.wait(), { code: 'PORTICO_NOT_STARTED' });
  assert.equal(loop.running, false);
  const { done } = loop.start(1);
  assert.equal(loop.running, true);
  await done;
  assert.equal(loop.running, false);
});

test('LC-613 an unref loop lets the process end', () => {
  const source = `import { FixedIntervalLoopingCall } from 'portico/tasks';
    const loop = new FixedIntervalLoopingCall(() => process.stdout.write('called '));
    loop.start(1e6, { unref: true });`;
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', source], { encoding: 'utf8', timeout: 20_000 });
  assert.equal(run.stderr, '');
  assert.equal(run.status, 0);
  assert.equal(run.stdout, 'called ');
});

test('LC-626 LC-627 LC-628 a time limit is checked after runs only, and counts from start', async () => {
  const clock = new FakeClock();
  const { log } = recordedLog();
  let calls = 0;
  const loop = new FixedIntervalWithTimeoutLoopingCall(() => void calls++);
  loop.start(1, { initialDelay: 2, timeout: 4, clock, log });
  await clock.advance(20_000);
  await assert.rejects(loop.wait(), {
    code: 'PORTICO_LOOPING_CALL_TIMEOUT',
    message: 'Looping call timed out after 5.00 seconds',
  });
  assert.equal(calls, 4);

  const long = taking(clock, 10, 1);
  const once = new FixedIntervalWithTimeoutLoopingCall(long.work);
  once.start(1, { timeout: 4, clock, log, stopOnException: false });
  await clock.advance(20_000);
  await assert.rejects(once.wait(), { code: 'PORTICO_LOOPING_CALL_TIMEOUT' });
  assert.equal(long.ended.length, 1);

  const endless = new FixedIntervalWithTimeoutLoopingCall(() => {});
  endless.start(100, { clock });
  await clock.advance(1e7);
  assert.equal(endless.running, true);
  endless.stop();
});

test('LC-631 LC-634 dynamic: the function names the idle time, at most the maximum', async () => {
  const clock = new FakeClock();
  const began: number[] = [];
  const answers = [11, 1];
  const loop = new DynamicLoopingCall(async () => {
    began.push(clock.now());
    const answer = answers.shift();
    if (answer === undefined) throw new LoopingCallDone();
    await pause(500, { clock });
    return answer;
  });
  loop.start({ periodicIntervalMax: 5, clock });
  await clock.advance(60_000);
  assert.deepEqual(began, [0, 5500, 7000]);
});

test('LC-632 dynamic: without an interval the maximum counts, and without that the loop fails', async () => {
  const clock = new FakeClock();
  const began: number[] = [];
  const loop = new DynamicLoopingCall(() => void began.push(clock.now()));
  loop.start({ periodicIntervalMax: 5, clock });
  await clock.advance(11_000);
  assert.deepEqual(began, [0, 5000, 10_000]);
  loop.stop();
  const failing = new DynamicLoopingCall(() => null);
  failing.start({ clock, log: recordedLog().log });
  await clock.advance(1);
  await assert.rejects(failing.wait(), {
    code: 'PORTICO_NO_INTERVAL',
    message: 'A dynamic interval looping call should supply either an interval or periodic_interval_max',
  });
});

test('PY-5 dynamic: a number of seconds below 0 ends the loop, as in oslo.service; it does not run without a pause', async () => {
  const clock = new FakeClock();
  let runs = 0;
  const loop = new DynamicLoopingCall(() => {
    runs += 1;
    return -1;
  });
  loop.start({ clock, log: recordedLog().log, periodicIntervalMax: 5 });
  await clock.advance(100);
  await assert.rejects(loop.wait(), { code: 'PORTICO_INVALID_INTERVAL', message: /, 0 or more, not / });
  assert.equal(runs, 1);
});

test('LC-633 LC-1925 dynamic: a failed call is followed after the maximum or a second, never at once', async () => {
  for (const [options, expected] of [
    [{ periodicIntervalMax: 7 }, [0, 7000, 14_000]],
    [{}, [0, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000, 10_000, 11_000, 12_000, 13_000, 14_000]],
  ] as const) {
    const clock = new FakeClock();
    const began: number[] = [];
    const loop = new DynamicLoopingCall(() => {
      began.push(clock.now());
      throw new Error('always');
    });
    loop.start({ ...options, stopOnException: false, clock, log: recordedLog().log });
    await clock.advance(14_500);
    assert.deepEqual(began, expected);
    loop.stop();
  }
});

/** Returns the idle times of a back-off loop whose function returns `results` and then ends the loop. */
async function backOff(results: boolean, r: number, options: object = {}): Promise<{ idle: number[]; end: unknown }> {
  const clock = new FakeClock();
  const began: number[] = [];
  const loop = new BackOffLoopingCall(() => {
    began.push(clock.now());
    if (began.length > 20) throw new LoopingCallDone('enough');
    return results;
  });
  const { done } = loop.start({ clock, log: recordedLog().log, gaussian: () => r, ...options });
  await clock.advance(1e7);
  const end = await done.catch((error: unknown) => error);
  return { idle: began.slice(1).map((at, index) => seconds(at - began[index]!)), end };
}

const DOUBLING = [1.6, 2.4, 3.6, 5.4, 8.1, 12.15, 18.225, 27.3375, 41.00625, 61.509375, 92.264063];

test('LC-643 LC-644 LC-646 back-off doubles after failures and ends before it idles past the limit', async () => {
  for (const r of [0.8, -0.8]) {
    const { idle, end } = await backOff(false, r);
    assert.deepEqual(idle, DOUBLING);
    assert.equal((end as { code?: string }).code, 'PORTICO_LOOPING_CALL_TIMEOUT');
    assert.equal((end as Error).message, 'Looping call timed out after 411.99 seconds');
  }
});

test('LC-646 back-off: an idle time is at most max_interval', async () => {
  const { idle, end } = await backOff(false, 0.8, { maxInterval: 60 });
  assert.deepEqual(idle, [...DOUBLING.slice(0, 9), 60, 60, 60]);
  assert.equal((end as { code?: string }).code, 'PORTICO_LOOPING_CALL_TIMEOUT');
});

test('LC-642 LC-646 back-off: success begins anew, without end', async () => {
  const { idle, end } = await backOff(true, 1);
  assert.deepEqual(idle, Array(20).fill(1));
  assert.equal(end, 'enough');
});

test('LC-644 back-off without a limit goes on; LC-643 no idle time is below min_interval', async () => {
  const { idle, end } = await backOff(false, 0, { timeout: 0, minInterval: 2 });
  assert.deepEqual(idle, Array(20).fill(2));
  assert.equal(end, 'enough');
});

test('LC-645 back-off: any error ends the loop', async () => {
  const { log, messages } = recordedLog();
  const loop = new BackOffLoopingCall(function probe() {
    throw new Error('no');
  });
  loop.start({ log });
  await assert.rejects(loop.wait(), /no/);
  assert.deepEqual(messages(), ["Dynamic backoff interval looping call 'probe' failed"]);
});

test('LC-641 LC-647 the factor is drawn anew for each cycle, with the mean asked for', async () => {
  const clock = new FakeClock();
  const began: number[] = [];
  const loop = new BackOffLoopingCall(() => {
    began.push(clock.now());
    if (began.length > 400) throw new LoopingCallDone();
    return true;
  });
  loop.start({ clock, jitter: 0.75 });
  await clock.advance(1e6);
  const idle = began.slice(1).map((at, index) => (at - began[index]!) / 1000);
  const mean = idle.reduce((sum, one) => sum + one, 0) / idle.length;
  assert.ok(new Set(idle).size > 390, 'the numbers differ');
  assert.ok(mean > 0.7 && mean < 0.8, `the mean of 400 factors is ${mean}`);
});
