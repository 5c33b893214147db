import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { startEarlyWorker, takeEarlyWorker } from '../../dist/spawn/early-worker.js';

/** A parent whose children run this in the place of Node. */
const parent = (execPath: string, env: NodeJS.ProcessEnv = {}) => ({
  pid: process.pid,
  execPath,
  execArgv: [],
  argv: ['node', '/srv/main.js', '--set', 'a.b=secret'],
  env: { ...process.env, ...env },
});

test('an early worker is had once, with what was kept from its environment and nothing of the command line', async () => {
  startEarlyWorker([], parent('/bin/cat', { SHOP__KEY: 'secret', PLAIN: 'plain' }));
  const early = takeEarlyWorker();
  assert.ok(early);
  assert.equal(early.kept.SHOP__KEY, 'secret');
  assert.equal(early.kept.PLAIN, undefined);
  assert.deepEqual(early.child.spawnargs.slice(-1), ['/srv/main.js']);
  assert.equal(takeEarlyWorker(), undefined);
  early.child.kill('SIGKILL');
  await once(early.child, 'exit');
});

test('an early worker that could not be started is none', () => {
  startEarlyWorker([], parent('/nowhere/node'));
  assert.equal(takeEarlyWorker(), undefined);
});

test('RL-94 where a service manager has passed sockets no worker is started early', () => {
  startEarlyWorker([], parent('/bin/cat', { LISTEN_FDS: '1' }));
  assert.equal(takeEarlyWorker(), undefined);
});
