import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { notify, notifyOnce, onReady } from 'portico/launch';
import { closedAfter } from '../../fixtures/closed-after.js';
import { temporaryFolder } from '../../fixtures/keeper.js';
import { NotifyListener } from '../../fixtures/notify-listener.js';

const folder = temporaryFolder('portico-notify-');

test('LC-902 notify sends exactly READY=1 and keeps the variable', async (t) => {
  const path = join(folder, 'notify');
  const listener = closedAfter(t, new NotifyListener(path));
  await listener.listening;
  const env = { NOTIFY_SOCKET: path };
  assert.equal(await notify({ env }), true);
  await listener.message('READY=1');
  assert.deepEqual(listener.messages, ['READY=1']);
  assert.equal(env.NOTIFY_SOCKET, path);
});

test('LC-903 LC-905 notifyOnce removes the variable when sending worked; names beginning with @ are abstract', async (t) => {
  const path = `@portico-test-${process.pid}`;
  const listener = closedAfter(t, new NotifyListener(path));
  await listener.listening;
  const env: NodeJS.ProcessEnv = { NOTIFY_SOCKET: path };
  assert.equal(await notifyOnce({ env }), true);
  await listener.message('READY=1');
  assert.equal('NOTIFY_SOCKET' in env, false);
});

test('LC-904 without a socket nothing happens', async () => {
  assert.equal(await notify({ env: {} }), false);
  assert.equal(await notify({ env: { NOTIFY_SOCKET: '' } }), false);
});

test('LC-903 LC-906 a socket nobody listens on is no error, and the variable stays', async () => {
  const env = { NOTIFY_SOCKET: join(folder, 'nobody') };
  assert.equal(await notifyOnce({ env }), false);
  assert.equal(env.NOTIFY_SOCKET, join(folder, 'nobody'));
});

test('LC-907 onReady is 0 for READY=1 among the lines, 1 for anything else, 2 when nothing comes', async () => {
  const path = join(folder, 'ready');
  const env = { NOTIFY_SOCKET: path };
  const untilBound = async (): Promise<void> => {
    while (!existsSync(path)) await new Promise((resolve) => setTimeout(resolve, 10));
  };
  for (const [state, expected] of [
    ['READY=1', 0],
    ['STATUS=up\nREADY=1', 0],
    ['READY=0', 1],
  ] as const) {
    const ready = onReady(path, 20);
    await untilBound();
    await notify({ env, state });
    assert.equal(await ready, expected);
    assert.equal(existsSync(path), false);
  }
  assert.equal(await onReady(path, 0.05), 2);
  assert.equal(existsSync(path), false);
});

test('LC-907 a socket that cannot be bound is an error', async () => {
  await assert.rejects(onReady(join(folder, 'missing', 'socket'), 1), { code: 'PORTICO_NOTIFY_FAILED' });
});
