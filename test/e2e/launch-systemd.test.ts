import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { closedAfter } from '../fixtures/closed-after.js';
import { get } from '../fixtures/http-client.js';
import { temporaryFolder } from '../fixtures/keeper.js';
import { NotifyListener } from '../fixtures/notify-listener.js';
import { runningProgram } from '../fixtures/running-program.js';

const folder = temporaryFolder('portico-systemd-');

test('LC-901 LC-910 LC-308 LC-1912 RL-93 the service manager is told of readiness, reloads and the stop, by the parent alone', async (t) => {
  const path = join(folder, 'notify');
  const listener = closedAfter(t, new NotifyListener(path));
  await listener.listening;
  const fleet = runningProgram(
    t,
    'fleet',
    { services: [{ name: 'api', workers: 2 }] },
    { env: { NOTIFY_SOCKET: path, WATCHDOG_USEC: '400000', WATCHDOG_PID: '' } },
  );
  await listener.message('READY=1');
  assert.equal(fleet.lines.filter((line) => line.event === 'worker_ready').length, 2);
  await listener.message('WATCHDOG=1');
  const { body } = await get<NodeJS.ProcessEnv>(await fleet.port('api'), '/env');
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID', 'NODE_UNIQUE_ID']) {
    assert.equal(body[name], undefined);
  }
  fleet.kill('SIGHUP');
  await listener.message('RELOADING=1 MONOTONIC_USEC=');
  const from = listener.messages.findIndex((message) => message.startsWith('RELOADING=1'));
  await listener.message('READY=1', from);
  fleet.kill('SIGTERM');
  await listener.message('STOPPING=1');
  assert.equal((await fleet.ended).code, 0);
});
