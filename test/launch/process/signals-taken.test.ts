import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServiceLauncher } from 'portico/launch';
import { silentLogger } from '#internal/log';
import { RecordedService } from '../../fixtures/recorded-service.js';

test('LC-534 LC-527 a launcher listens to SIGUSR2, and leaves SIGUSR1 to the inspector and SIGALRM to the application', async () => {
  const names = ['SIGUSR2', 'SIGUSR1', 'SIGALRM'] as const;
  const counts = (): number[] => names.map((name) => process.listenerCount(name));
  const before = counts();
  const launcher = new ServiceLauncher({ log: silentLogger(), settings: { gracefulShutdownTimeoutMs: 20 } });
  const service = new RecordedService('one');
  // It exceeds its deadline, for which oslo.service uses an alarm.
  service.onStop = ({ signal }) =>
    new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }));
  await launcher.launchService(service);
  assert.deepEqual(counts(), [before[0]! + 1, before[1], before[2]]);
  const heard: string[] = [];
  launcher.signalHandler.addHandler('SIGALRM', (name) => heard.push(name));
  const status = launcher.wait();
  process.kill(process.pid, 'SIGALRM');
  while (heard.length === 0) await new Promise(setImmediate);
  await launcher.stop();
  assert.equal(await status, 1);
  assert.deepEqual(heard, ['SIGALRM']);
  assert.deepEqual(counts(), before);
});
