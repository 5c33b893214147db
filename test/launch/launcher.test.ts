import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from 'portico';
import { launch, ProcessLauncher, ServiceLauncher } from 'portico/launch';
import type { ServiceBase } from 'portico/service';
import { silentLogger } from '#internal/log';
import { RecordedService } from '../fixtures/recorded-service.js';

const quiet = { log: silentLogger(), signals: false } as const;

test('LC-401 no number of workers, or one, runs the service in this process', async () => {
  for (const workers of [undefined, null, 1]) {
    const service = new RecordedService('one');
    const launcher = await launch(service, { ...quiet, ...(workers === undefined ? {} : { workers }) });
    assert.ok(launcher instanceof ServiceLauncher);
    assert.deepEqual(service.calls, ['start', 'wait']);
    await launcher.stop();
  }
});

test('LC-403 a number of workers that is no integer is a TypeError', async () => {
  for (const workers of ['0', '1', 'a', 1.5, true, Number.NaN, Number.POSITIVE_INFINITY, 2n]) {
    await assert.rejects(launch(new RecordedService('one'), { ...quiet, workers: workers as number }), {
      name: 'TypeError',
      message: 'Type of workers should be int!',
    });
  }
});

test('LC-404 a number of workers below one is a RangeError', async () => {
  for (const workers of [0, -1]) {
    await assert.rejects(launch(new RecordedService('one'), { ...quiet, workers }), {
      name: 'RangeError',
      message: 'Number of workers should be positive!',
    });
  }
});

test('LC-405 LC-131 LC-301 an unknown restart method is refused by everything that takes one', async () => {
  const wrong = { ...quiet, restartMethod: 'respawn' as 'reload' };
  const expected = { message: 'Invalid restart_method: respawn', code: 'PORTICO_INVALID_RESTART_METHOD' };
  await assert.rejects(launch(new RecordedService('one'), wrong), expected);
  assert.throws(() => new ServiceLauncher(wrong), expected);
  assert.throws(() => new ProcessLauncher(wrong), expected);
  assert.throws(() => new ServiceLauncher({ ...wrong, restartMethod: null as unknown as 'reload' }), {
    code: 'PORTICO_INVALID_RESTART_METHOD',
  });
});

test('LC-105 LC-406 an object without the four verbs is no service, and the missing ones are named', async () => {
  const expected = {
    name: 'TypeError',
    code: 'PORTICO_NOT_A_SERVICE',
    message: 'Service half must be an instance of ServiceBase! Missing: wait, reset.',
  };
  const half = { name: 'half', start() {}, stop() {} } as unknown as RecordedService;
  await assert.rejects(launch(half, quiet), expected);
  await assert.rejects(new ServiceLauncher(quiet).launchService(half), expected);
  await assert.rejects(new ProcessLauncher(quiet).launchService(half), expected);
  for (const nothing of [null, undefined, 7, 'service', {}, () => {}]) {
    await assert.rejects(launch(nothing as unknown as RecordedService, quiet), { code: 'PORTICO_NOT_A_SERVICE' });
  }
});

test('LC-408 LC-7 the checks run in their order, and before anything happens', async () => {
  const before = process.listenerCount('SIGTERM');
  const nothing = {} as RecordedService;
  const options = { log: silentLogger(), restartMethod: 'x' as 'reload' };
  await assert.rejects(launch(nothing, { ...options, workers: 'a' as unknown as number }), /Type of workers/);
  await assert.rejects(launch(nothing, { ...options, workers: -1 }), /should be positive/);
  await assert.rejects(launch(nothing, { ...options, workers: 2 }), /Invalid restart_method/);
  await assert.rejects(launch(nothing, { log: silentLogger() }), /must be an instance of ServiceBase/);
  assert.equal(process.listenerCount('SIGTERM'), before);
});

test('LC-202 a ServiceLauncher refuses several workers', async () => {
  const launcher = new ServiceLauncher(quiet);
  const service = new RecordedService('one');
  for (const workers of [0, 2, '1' as unknown as number]) {
    await assert.rejects(launcher.launchService(service, { workers }), {
      name: 'RangeError',
      message: 'Launcher asked to start multiple workers',
    });
  }
  assert.deepEqual(service.calls, []);
});

test('LC-409 no_fork is accepted, says at debug that it is ignored, and runs the service in this process', async () => {
  const lines: string[] = [];
  const log = createLogger({ level: 'debug', format: 'json', destination: { write: (line) => lines.push(line) } });
  const service = new RecordedService('one');
  const launcher = await launch(service, { log, signals: false, noFork: true });
  assert.ok(launcher instanceof ServiceLauncher);
  assert.deepEqual(service.calls, ['start', 'wait']);
  assert.match(lines.join(''), /"level":"debug"[^\n]*no_fork is ignored/);
  await launcher.stop();
});

test('LC-107 a service that lacks one of the four verbs does not compile, and is refused at run time', async () => {
  // @ts-expect-error it has no reset
  class Incomplete implements ServiceBase {
    start(): void {}
    stop(): void {}
    wait(): void {}
  }
  // @ts-expect-error as above
  await assert.rejects(launch(new Incomplete(), quiet), {
    code: 'PORTICO_NOT_A_SERVICE',
    message: 'Service Incomplete must be an instance of ServiceBase! Missing: reset.',
  });
  class Complete extends Incomplete implements ServiceBase {
    reset(): void {}
  }
  const launcher = await launch(new Complete(), quiet);
  await launcher.stop();
});
