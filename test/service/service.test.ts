import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from 'portico';
import { Service, ServiceExit } from 'portico/service';

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

test('LC-374 ServiceExit carries an exit status and refuses what is none', () => {
  assert.equal(new ServiceExit(3).exitCode, 3);
  assert.equal(new ServiceExit().exitCode, 1);
  assert.throws(() => new ServiceExit(256), { code: 'PORTICO_INVALID_EXIT_CODE' });
});
