import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lifecycle, type Track } from 'portico/service';
import { TaskGroup } from 'portico/tasks';
import { FakeClock } from 'portico/testing';
import { ManagerHooks, TaskTracker } from '#internal/service';
import { recordedLog } from '../tasks/recorded-log.js';

interface Work {
  readonly promise: Promise<string>;
  readonly end: (value: string) => void;
  readonly fail: (error: Error) => void;
}

function work(): Work {
  let end!: (value: string) => void;
  let fail!: (error: Error) => void;
  const promise = new Promise<string>((resolve, reject) => {
    end = resolve;
    fail = reject;
  });
  return { promise, end, fail };
}

/** A service whose manager tracks the tasks of a test. */
class House {
  readonly clock = new FakeClock();
  readonly log = recordedLog();
  readonly manager: { track?: Track } = {};
  readonly life: Lifecycle;

  constructor(manager: object = {}) {
    Object.assign(this.manager, manager);
    const { clock } = this;
    const { log } = this.log;
    const hooks = new ManagerHooks({
      name: 'images',
      clock,
      log,
      tasks: new TaskGroup({ clock, log }),
      managers: [this.manager],
    });
    this.life = new Lifecycle('images', hooks, clock);
  }

  get track(): Track {
    return this.manager.track!;
  }
}

test('MG-21 tracked tasks are known by name, request, resource and age until they end', async () => {
  const clock = new FakeClock();
  const tracker = new TaskTracker({ service: 'images', log: recordedLog().log, clock });
  const copy = work();
  const tracked = tracker.track('copy', copy.promise, { requestId: 'req-1', resourceId: 'image-7' });
  assert.equal(await tracker.track('measure', () => 7), 7);
  await clock.advance(5000);
  assert.deepEqual(tracker.list(), [{ name: 'copy', requestId: 'req-1', resourceId: 'image-7', ageMs: 5000 }]);
  copy.end('copied');
  assert.equal(await tracked, 'copied');
  assert.equal(tracker.size, 0);
});

test('MG-21 a tracked task that fails is logged once, passed to whoever waits, and never an unhandled rejection', async () => {
  const { log, lines } = recordedLog();
  const tracker = new TaskTracker({ service: 'images', log });
  const unhandled: unknown[] = [];
  const note = (error: unknown): void => void unhandled.push(error);
  process.on('unhandledRejection', note);
  void tracker.track('copy', Promise.reject(new Error('disk full')));
  await assert.rejects(
    tracker.track('move', () => {
      throw new Error('gone');
    }),
    /gone/,
  );
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', note);
  assert.deepEqual(unhandled, []);
  assert.deepEqual(lines.map(({ level, msg, err }) => [level, msg, err!.message]).sort(), [
    ['error', "images: task 'copy' failed", 'disk full'],
    ['error', "images: task 'move' failed", 'gone'],
  ]);
});

test('MG-21 MG-22 MG-59 a stop names the tasks under way at once, every 10 s, and what came of them at the end', async () => {
  const house = new House();
  await house.life.start();
  const [copy, move] = [work(), work()];
  void house.track('copy', copy.promise, { requestId: 'req-1', resourceId: 'image-7' });
  house.track('move', move.promise).catch(() => {});
  await house.clock.advance(2000);
  const stopping = house.life.stop({ graceful: true });
  await house.clock.advance(0);
  assert.deepEqual(house.log.messages(), [
    'images: 2 unfinished tasks at the shutdown: copy (on image-7, for req-1, since 2s), move (since 2s)',
  ]);
  move.fail(new Error('no'));
  void house.track('late', () => 'done');
  await house.clock.advance(10_000);
  copy.end('');
  await stopping;
  assert.deepEqual(house.log.messages().slice(1), [
    "images: task 'late' began after the shutdown",
    "images: task 'move' failed",
    'images: 1 unfinished task at the shutdown: copy (on image-7, for req-1, since 12s)',
    'images: of the tasks at the shutdown 2 completed, 1 failed, 0 are unfinished',
  ]);
  assert.equal(house.clock.pending, 0);
});

test('MG-20 without its own gracefulShutdown a manager’s tasks are waited for, but not longer than its limit', async () => {
  const house = new House();
  await house.life.start();
  void house.track('endless', new Promise(() => {}));
  let stopped = false;
  const stopping = assert.rejects(house.life.stop({ graceful: true }), { code: 'PORTICO_STOP_DEADLINE' }).then(() => {
    stopped = true;
  });
  await house.clock.advance(49_999);
  assert.equal(stopped, false);
  await house.clock.advance(1);
  await stopping;
  assert.match(house.log.messages().at(-1)!, /0 completed, 0 failed, 1 are unfinished: endless \(since 50s\)$/);
});

test('MG-20 a manager with a gracefulShutdown decides for itself what it waits for', async () => {
  const house = new House({ gracefulShutdown: () => {} });
  await house.life.start();
  void house.track('endless', new Promise(() => {}));
  await assert.rejects(house.life.stop({ graceful: true }), { code: 'PORTICO_STOP_DEADLINE', message: /: endless$/ });
  assert.match(house.log.messages().at(-1)!, /1 are unfinished: endless/);
});

test('MG-21 a stop with nothing under way says nothing, and the next run begins anew', async () => {
  const house = new House();
  for (let run = 0; run < 2; run++) {
    await house.life.start();
    await house.track('quick', () => 1);
    await house.life.stop({ graceful: true });
  }
  assert.deepEqual(house.log.messages(), []);
});

test('MG-21 a manager that has its own track keeps it', async () => {
  const own = (() => Promise.resolve()) as unknown as Track;
  const house = new House({ track: own });
  await house.life.start();
  assert.equal(house.track, own);
  await house.life.stop();
});
