import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServiceLauncher } from 'portico/launch';
import { Service, ServiceExit, type StopOptions } from 'portico/service';
import { silentLogger } from '#internal/log';

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

/** A service whose start waits for `release` or for a stop. */
class Slow extends Service {
  readonly events: string[] = [];
  readonly #calledOff = new AbortController();
  release: () => void = () => undefined;

  override async start(): Promise<void> {
    this.events.push('start begins');
    await new Promise<void>((resolve) => {
      this.release = resolve;
      this.#calledOff.signal.addEventListener('abort', () => resolve());
    });
    this.events.push('start ends');
  }

  override async stop(options?: StopOptions): Promise<void> {
    this.events.push('stop');
    this.#calledOff.abort();
    await super.stop(options);
  }
}

/** Launches a service whose start is still running. */
async function starting(settings: { gracefulShutdownTimeoutMs: number }): Promise<{
  service: Slow;
  launcher: ServiceLauncher;
  launched: Promise<void>;
}> {
  const service = new Slow({ log });
  const launcher = new ServiceLauncher({ log, signals: false, settings });
  const launched = launcher.launchService(service);
  await new Promise(setImmediate);
  return { service, launcher, launched };
}

for (const gracefulShutdownTimeoutMs of [60_000, 0]) {
  test(`LC-102 LC-531 a stop calls off the start of a Service, deadline ${gracefulShutdownTimeoutMs}`, async () => {
    const { service, launcher, launched } = await starting({ gracefulShutdownTimeoutMs });
    await launcher.stop();
    await launched;
    assert.deepEqual(service.events, ['start begins', 'stop', 'start ends', 'stop']);
    assert.equal(await launcher.wait(), 0);
  });
}

test('LC-102 a stop during the start of a Service is its subclass’s at once, whoever calls it', async () => {
  const service = new Slow({ log });
  const started = service.start();
  await service.stop({ graceful: false });
  assert.deepEqual(service.events.slice(0, 2), ['start begins', 'stop']);
  await started;
  // A timer added after the stop is refused.
  assert.throws(() => service.tasks.addTimer(3600, () => undefined), { code: 'PORTICO_GROUP_STOPPED' });
  // A new start makes the service usable again.
  const restarted = service.start();
  service.release();
  await restarted;
  service.tasks.addTimer(3600, () => undefined);
  await service.stop();
  assert.equal(service.tasks.timers.length, 0);
});

test('LC-102 a start may stop its own service', async () => {
  class Fails extends Service {
    override async start(): Promise<void> {
      this.tasks.addTimer(3600, () => undefined);
      await Promise.resolve();
      await this.stop();
      throw new Error('no start today');
    }
  }
  const service = new Fails({ log });
  await assert.rejects(async () => service.start(), /no start today/);
  assert.equal(service.tasks.timers.length, 0);
});

test('LC-374 ServiceExit carries an exit status and refuses what is none', () => {
  assert.equal(new ServiceExit(3).exitCode, 3);
  assert.equal(new ServiceExit().exitCode, 1);
  assert.throws(() => new ServiceExit(256), { code: 'PORTICO_INVALID_EXIT_CODE' });
});
