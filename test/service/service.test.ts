import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from 'portico';
import { Service, ServiceExit, type StopOptions } from 'portico/service';
import { FakeClock } from 'portico/testing';

const log = silentLogger();

test('LC-121 a service owns a task group of 1000 places, also called tg', () => {
  const service = new Service({ log });
  assert.equal(service.tasks.limit, 1000);
  assert.equal(service.tg, service.tasks);
  assert.equal(new Service({ log, tasks: 3 }).tasks.limit, 3);
});

test('LC-122 a graceful stop awaits running tasks, LC-123 wait settles then, and the signal says shutdown', async () => {
  const service = new Service({ log });
  await service.start();
  const ended: unknown[] = [];
  service.tasks.spawn(async ({ signal }) => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    await new Promise(setImmediate);
    ended.push(signal.reason);
  });
  await new Promise(setImmediate);
  await service.stop({ graceful: true });
  assert.deepEqual(ended, ['shutdown']);
  await service.wait();
});

test('LC-124 a subclass that overrides start and reset without super calls can be started again', async () => {
  const runs: number[] = [];
  class Counter extends Service {
    override readonly name = 'counter';
    override async start(): Promise<void> {
      this.tasks.spawn(() => runs.push(runs.length));
    }
    override async reset(): Promise<void> {}
  }
  const service = new Counter({ log });
  for (let run = 0; run < 3; run++) {
    await service.start();
    await service.wait();
    await service.stop({ graceful: true });
    await service.wait();
    await service.reset();
  }
  assert.deepEqual(runs, [0, 1, 2]);
  assert.throws(() => service.tasks.spawn(() => {}), { code: 'PORTICO_GROUP_STOPPED' });
});

test('LC-102 stop is safe before start, twice and concurrently', async () => {
  const service = new Service({ log });
  await service.stop();
  await Promise.all([service.stop(), service.stop({ graceful: true })]);
  await service.wait();
});

/** A service whose start goes on when it is told to, and what happens to it, in order. */
class Slow extends Service {
  readonly events: string[] = [];
  release: () => void = () => undefined;

  override async start(): Promise<void> {
    this.events.push('start begins');
    await new Promise<void>((resolve) => {
      this.release = resolve;
    });
    this.tasks.addTimer(3600, () => undefined);
    this.events.push('start ends');
  }

  override async stop(options?: StopOptions): Promise<void> {
    this.events.push('stop');
    await super.stop(options);
  }
}

test('LC-102 LC-103 a stop during an asynchronous start waits for it, and then stops what it began', async () => {
  for (const options of [undefined, { graceful: true, deadlineMs: 60_000 }]) {
    const service = new Slow({ log: silentLogger() });
    const started = service.start();
    const stopped = service.stop(options);
    const again = service.stop(options);
    await new Promise(setImmediate);
    assert.deepEqual(service.events, ['start begins']);
    service.release();
    await Promise.all([started, stopped, again]);
    assert.deepEqual(service.events, ['start begins', 'start ends', 'stop', 'stop']);
    assert.equal(service.tasks.timers.length, 0);
    await service.wait();
    // Started again, it is as new.
    const restarted = service.start();
    service.release();
    await restarted;
    assert.equal(service.tasks.timers.length, 1);
    await service.stop();
  }
});

test('LC-549 a start that does not end holds a stop no longer than its deadline', async () => {
  const clock = new FakeClock();
  const service = new Slow({ log: silentLogger(), clock });
  void service.start();
  const stopped = service.stop({ graceful: true, deadlineMs: 500 });
  const cut = new AbortController();
  const other = service.stop({ graceful: true, signal: cut.signal });
  await clock.advance(499);
  assert.deepEqual(service.events, ['start begins']);
  cut.abort();
  await other;
  await clock.advance(1);
  await stopped;
  assert.deepEqual(service.events, ['start begins', 'stop', 'stop']);
});

test('LC-102 a start that stops its own service is not waited for', async () => {
  class Fails extends Service {
    override async start(): Promise<void> {
      this.tasks.addTimer(3600, () => undefined);
      await Promise.resolve();
      await this.stop();
      throw new Error('no start today');
    }
  }
  const service = new Fails({ log: silentLogger() });
  await assert.rejects(async () => service.start(), /no start today/);
  assert.equal(service.tasks.timers.length, 0);
});

test('LC-374 ServiceExit carries an exit status and refuses what is none', () => {
  assert.equal(new ServiceExit(3).exitCode, 3);
  assert.equal(new ServiceExit().exitCode, 1);
  assert.throws(() => new ServiceExit(256), { code: 'PORTICO_INVALID_EXIT_CODE' });
});
