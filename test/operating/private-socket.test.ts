import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { listenOnPath } from '../../dist/operating/private-socket.js';
import { closedAfter } from '../fixtures/closed-after.js';
import { temporaryFolder } from '../fixtures/keeper.js';
import { asOrdinaryUser } from '../launch/sockets/ordinary-user.js';

const folder = temporaryFolder('portico-private-');
const listener = { code: 'PORTICO_CONTROL_SOCKET', who: 'the control server', hint: 'Choose another path.' };

/** Asserts that `path` is refused with the caller's error. */
function refused(path: string, why: RegExp): Promise<void> {
  const start = `the control server cannot listen on ${path}: `;
  return assert.rejects(
    listenOnPath(createServer(), path, listener),
    (error: Error & { code: string; hint: string }) => {
      assert.equal(error.code, listener.code, error.message);
      assert.equal(error.hint, listener.hint);
      assert.ok(error.message.startsWith(start), error.message);
      assert.match(error.message.slice(start.length), why);
      return true;
    },
  );
}

test('a path that cannot be reached is refused with the code and the hint of the listener', async () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  await refused(join(file, 'a.sock'), /ENOTDIR/);
  mkdirSync(join(folder, 'closed'), { mode: 0 });
  await asOrdinaryUser(folder, () => refused('closed/a.sock', /EACCES/));
});

test('a socket that this user may not connect to is kept, and permission is what is missing', async (t) => {
  const path = join(folder, 'other.sock');
  const server = closedAfter(t, createServer().listen(path));
  await once(server, 'listening');
  chmodSync(path, 0);
  await asOrdinaryUser(folder, () => refused('other.sock', /^permission denied \(EACCES\)$/));
  assert.ok(statSync(path).isSocket());
});

test('a path in a folder that does not exist says so, and not that another process has it', async () => {
  await assert.rejects(listenOnPath(createServer(), join(folder, 'gone', 'a.sock'), listener), {
    message: `the control server cannot listen on ${folder}/gone/a.sock: the folder ${folder}/gone does not exist`,
    hint: 'Create it, or choose another path.',
  });
});
