import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { createLogger, type Logger } from 'portico';
import { type Task, type TaskContext, TaskGroup } from 'portico/tasks';
import { silentLogger } from '#internal/log';
import { pause } from '#internal/tasks';

const log = silentLogger();
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function recorded(): {
  lines: { msg: string; level: string; err?: { message: string; stack: string } }[];
  log: Logger;
} {
  const lines: { msg: string; level: string; err?: { message: string; stack: string } }[] = [];
  return {
    lines,
    log: createLogger({ level: 'debug', destination: { write: (line) => void lines.push(JSON.parse(line)) } }),
  };
}

const untilAborted = ({ signal }: TaskContext): Promise<unknown> =>
  signal.aborted ? Promise.resolve() : once(signal, 'abort');

test('LC-801 LC-802 a full group queues; spawn returns at once and starts later', async () => {
  const group = new TaskGroup({ limit: 2, log });
  const started: number[] = [];
  const release: (() => void)[] = [];
  const work = (n: number): Promise<void> => {
    started.push(n);
    return new Promise((resolve) => release.push(resolve));
  };
  const tasks = [1, 2, 3].map((n) => group.spawn(work, n));
  assert.deepEqual(started, []);
  await turn();
  assert.deepEqual(started, [1, 2]);
  const states = tasks.map(({ state }) => state);
  assert.deepEqual(states, ['running', 'running', 'queued']);
  assert.equal(group.size, 3);
  release[0]!();
  await tasks[0]!.wait();
  await turn();
  assert.deepEqual(started, [1, 2, 3]);
  for (const end of release) end();
  await group.wait();
  assert.equal(group.size, 0);
});

test('LC-801 a group takes 10 tasks at a time by default and refuses a limit below 1', () => {
  assert.equal(new TaskGroup({ log }).limit, 10);
  assert.throws(() => new TaskGroup({ limit: 0, log }), RangeError);
});

test('LC-802 the function gets its arguments and then a signal; wait gives its value', async () => {
  const group = new TaskGroup({ log });
  const task = group.spawn((a: number, b: number, { signal }: TaskContext) => [a + b, signal.aborted], 2, 3);
  assert.deepEqual(await task.wait(), [5, false]);
});

test('LC-803 finished tasks leave the group, LC-804 errors are logged once with name and stack', async () => {
  const { lines, log } = recorded();
  const group = new TaskGroup({ log });
  const unhandled: unknown[] = [];
  const listener = (error: unknown): void => void unhandled.push(error);
  process.on('unhandledRejection', listener);
  const failing = group.spawn(async function cleanUp() {
    throw new Error('disk full');
  });
  await group.wait();
  await turn();
  process.off('unhandledRejection', listener);
  assert.deepEqual(unhandled, []);
  assert.equal(group.size, 0);
  assert.equal(lines.length, 1);
  assert.equal(lines[0]!.msg, "Task 'cleanUp' failed");
  assert.equal(lines[0]!.err!.message, 'disk full');
  assert.match(lines[0]!.err!.stack, /cleanUp/);
  await assert.rejects(failing.wait(), /disk full/);
  assert.equal(lines.length, 1);
});

test('LC-805 LC-806 LC-807 LC-808 timers run with their arguments and leave the group when they end', async () => {
  const group = new TaskGroup({ log });
  const seen: unknown[] = [];
  const fixed = group.addTimer(60, (a: string, b: number) => void seen.push([a, b]), { args: ['x', 1] });
  const dynamic = group.addDynamicTimer((a: string) => seen.push(a) + 60, { args: ['y'] });
  await turn();
  assert.deepEqual(seen, [['x', 1], 'y']);
  assert.equal(group.timers.length, 2);
  fixed.stop();
  assert.equal(await fixed.wait(), true);
  await turn();
  assert.deepEqual(group.timers, [dynamic]);
  group.timerDone(fixed);
  await group.stopTimers({ wait: true });
  await group.stopTimers();
  assert.equal(dynamic.running, false);
  await group.wait();
});

test('LC-809 stopTimers with wait awaits the running functions', async () => {
  const group = new TaskGroup({ log });
  let ended = false;
  group.addTimer(60, async () => {
    await turn();
    await turn();
    ended = true;
  });
  await turn();
  await group.stopTimers(true);
  assert.equal(ended, true);
  assert.equal(group.timers.length, 0);
});

test('LC-810 LC-1927 a graceful stop raises the signal and awaits all, timers included', async () => {
  const group = new TaskGroup({ log });
  const order: string[] = [];
  group.spawn(async (context) => {
    await untilAborted(context);
    await turn();
    await turn();
    order.push('task');
  });
  group.addTimer(60, async (context) => {
    await untilAborted(context);
    await turn();
    await turn();
    await turn();
    order.push('timer');
  });
  await turn();
  await group.stop({ graceful: true });
  order.push('stopped');
  assert.deepEqual(order, ['task', 'timer', 'stopped']);
});

test('LC-810 a stop that is not graceful detaches what goes on, names it and cancels what is queued', async () => {
  const { lines, log } = recorded();
  const group = new TaskGroup({ limit: 2, log });
  let release!: () => void;
  const stubborn = group.spawn(function stubborn() {
    return new Promise<void>((resolve) => {
      release = resolve;
    });
  });
  const obedient = group.spawn(async function obedient({ signal }: TaskContext) {
    await pause(1e6, { signal });
    signal.throwIfAborted();
  });
  const queued = group.spawn(() => 'never');
  await turn();
  await group.stop();
  assert.equal(group.size, 0);
  await assert.rejects(queued.wait(), { code: 'PORTICO_TASK_CANCELLED' });
  await assert.rejects(obedient.wait(), (reason) => reason === 'shutdown');
  assert.deepEqual(
    lines.map(({ msg }) => msg),
    ['tasks: 1 queued tasks were not started, the group is stopping', 'tasks: stopped without waiting for stubborn'],
  );
  await group.wait();
  release();
  await stubborn.wait();
});

test('LC-810 a graceful stop gives up at its deadline or when its signal is raised', async () => {
  for (const limit of [{ deadlineMs: 1 }, { signal: AbortSignal.abort() }]) {
    const group = new TaskGroup({ log });
    group.spawn(() => new Promise(() => {}));
    await turn();
    await group.stop({ graceful: true, ...limit });
    assert.equal(group.size, 0);
  }
});

test('LC-810 tasks and timers that stop or wait for their own group do not deadlock', async () => {
  const group = new TaskGroup({ log });
  const ended: string[] = [];
  group.addTimer(60, async () => {
    await group.wait();
    ended.push('timer');
  });
  await turn();
  group.spawn(async () => {
    await group.stop({ graceful: true });
    ended.push('a');
  });
  group.spawn(async () => {
    await group.stop(true);
    ended.push('b');
  });
  await turn();
  await group.stop({ graceful: true });
  assert.deepEqual(ended.sort(), ['a', 'b', 'timer']);
});

test('LC-4 concurrent stops settle together', async () => {
  const group = new TaskGroup({ log });
  let ended = 0;
  group.spawn(async (context) => {
    await untilAborted(context);
    await turn();
    ended++;
  });
  await turn();
  await Promise.all([group.stop(true), group.stop(true), group.stop({ graceful: true })]);
  assert.equal(ended, 1);
});

test('LC-811 wait waits for timers, then for what tasks spawned meanwhile', async () => {
  const group = new TaskGroup({ log });
  const seen: string[] = [];
  const timer = group.addTimer(60, () => void seen.push('timer'));
  group.spawn(async () => {
    await turn();
    group.spawn(async () => {
      await turn();
      timer.stop();
      seen.push('inner');
    });
  });
  await group.waitAll();
  assert.deepEqual(seen, ['timer', 'inner']);
});

test('LC-812 LC-813 queued tasks can be cancelled, one by one or all, without starting others', async () => {
  const group = new TaskGroup({ limit: 1, log });
  const ran: number[] = [];
  const tasks = [1, 2, 3, 4].map((n) => group.spawn(() => void ran.push(n)));
  assert.equal(tasks[1]!.cancel(), true);
  assert.equal(tasks[1]!.cancel(), false);
  assert.equal(group.cancelQueued(), 3);
  await group.wait();
  assert.deepEqual(ran, []);
  const running = group.spawn(() => turn());
  await Promise.resolve();
  assert.equal(running.state, 'running');
  assert.equal(running.cancel(), false);
  await running.wait();
});

test('LC-813 LC-814 links run after removal, with their arguments; errors in them are logged', async () => {
  const { lines, log } = recorded();
  const group = new TaskGroup({ log });
  const seen: unknown[] = [];
  const task = group.spawn(() => 'value');
  const size = (of: Task<string>, word: string): void => void seen.push([of === task, word, group.size]);
  const undo = task.link(() => seen.push('undone'));
  undo();
  task.link(size, 'linked');
  task.link(size, 'unlinked');
  const other = (): void => void seen.push('other');
  task.link(other);
  task.unlink(other);
  task.link(() => {
    throw new Error('in a link');
  });
  await task.wait();
  await turn();
  task.link(size, 'late');
  assert.deepEqual(seen, [
    [true, 'linked', 0],
    [true, 'unlinked', 0],
    [true, 'late', 0],
  ]);
  assert.equal(lines[0]!.err!.message, 'in a link');
});

test('LC-813 LC-815 tasks have different ids and can be aborted one by one', async () => {
  const { lines, log } = recorded();
  const group = new TaskGroup({ log });
  const first = group.spawn(async (context) => {
    await untilAborted(context);
    context.signal.throwIfAborted();
  });
  const second = group.spawn(() => 2);
  assert.notEqual(first.id, second.id);
  await second.wait();
  first.abort();
  await assert.rejects(first.wait(), { name: 'AbortError' });
  assert.deepEqual(lines, []);
});

test('LC-817 a stopped group takes nothing until reset', async () => {
  const group = new TaskGroup({ log });
  await group.stop();
  for (const add of [
    () => group.spawn(() => {}),
    () => group.addTimer(1, () => {}),
    () => group.addDynamicTimer(() => 1),
  ]) {
    assert.throws(add, { code: 'PORTICO_GROUP_STOPPED' });
  }
  group.reset();
  assert.equal(await group.spawn(() => 'again').wait(), 'again');
});
