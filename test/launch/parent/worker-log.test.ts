import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Logger } from 'portico';
import type { WorkerHandle } from '../../../dist/launch/parent/worker-handle.js';
import { logStart } from '../../../dist/launch/parent/worker-log.js';

test('LC-531 a start that does not end is reported again and again, ever more rarely, with what is being loaded', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const said: string[] = [];
  const ignore = (): void => undefined;
  const log = {
    debug: ignore,
    info: ignore,
    warn: (_facts: object, message: string) => said.push(message),
  } as unknown as Logger;
  let ready: () => void = () => undefined;
  const isReady = new Promise<void>((resolve) => {
    ready = resolve;
  });
  const worker = { assignment: { service: 'api', index: 1 }, pid: 7, beat: { facts: {} }, ready: isReady };
  logStart(worker as unknown as WorkerHandle, log);
  for (let second = 0; second < 30; second++) t.mock.timers.tick(1000);
  Object.assign(worker.beat, { facts: { loading: './app.js:app' } });
  for (let second = 30; second < 210; second++) t.mock.timers.tick(1000);
  ready();
  await isReady;
  for (let second = 0; second < 100; second++) t.mock.timers.tick(1000);
  assert.deepEqual(said, [
    'api: worker 1 is still starting after 10 s',
    'api: worker 1 is still starting after 20 s',
    ...[40, 80, 140, 200].map((s) => `api: worker 1 is still starting after ${s} s, loading ./app.js:app`),
  ]);
});

test('a start that waits for something says for what, first', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const said: unknown[] = [];
  const warn = (facts: object, message: string): void => void said.push(facts, message);
  const log = { debug: () => undefined, warn } as unknown as Logger;
  const troubles = ['remote calls: there is no connection to amqp://north/ yet', 'another'];
  const assignment = { service: 'images', index: 0 };
  const worker = { assignment, pid: 7, beat: { facts: { troubles } }, ready: new Promise(() => undefined) };
  logStart(worker as unknown as WorkerHandle, log);
  t.mock.timers.tick(10_000);
  const known = { event: 'worker_starting', service: 'images', workerId: 0, pid: 7, troubles };
  assert.deepEqual(said, [
    { ...known, loading: undefined, stack: undefined },
    `images: worker 0 is still starting after 10 s; ${troubles[0]}`,
  ]);
});
