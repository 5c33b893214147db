import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { compareSync, hashSync } from 'bcryptjs';
import { captureLog, FakeClock, tempConfig } from 'portico/testing';
import { HtpasswdFile } from '../../../dist/middleware/auth/htpasswd-file.js';

/** What bcrypt repeats for a password, all hashes together. */
const rounds = (hashes: readonly string[]): number =>
  hashes.reduce((sum, hash) => sum + 2 ** Number(hash.split('$')[2]), 0);

test('a password costs the same for every user and for none, whatever the costs in the file are', async (t) => {
  const users = [6, 4, 8, 5].map((cost, at) => `user${at}:${hashSync('secret', cost)}\n`).join('');
  const files = await tempConfig({ users });
  t.after(() => files.remove());
  await chmod(files.path('users'), 0o600);
  const file = new HtpasswdFile(files.path('users'), captureLog().log);
  for (const user of ['user0', 'user1', 'user2', 'user3', 'nobody', 'user4', '']) {
    const { hashes, known } = await file.hashesOf(user);
    assert.equal(rounds(hashes), 2 ** 8, user);
    assert.deepEqual(
      hashes.map((hash) => compareSync('secret', hash)),
      hashes.map((_, at) => known && at === 0),
      user,
    );
  }
});

test('the highest cost is that of the file as it is now', async (t) => {
  const files = await tempConfig({ users: `alice:${hashSync('secret', 6)}\n` });
  t.after(() => files.remove());
  const clock = new FakeClock();
  const file = new HtpasswdFile(files.path('users'), captureLog().log, undefined, clock);
  assert.equal(rounds((await file.hashesOf('nobody')).hashes), 2 ** 6);
  await writeFile(files.path('users'), `alice:${hashSync('secret', 5)}\nbob:${hashSync('secret', 4)}\n`);
  await clock.advance(2000);
  for (const user of ['alice', 'bob', 'nobody']) assert.equal(rounds((await file.hashesOf(user)).hashes), 2 ** 5);
});

test('a cost that bcrypt does not have is refused with its line', async (t) => {
  const hash = hashSync('secret', 4);
  const files = await tempConfig({ users: `alice:${hash}\nbob:${hash.replace('$04$', '$32$')}\n` });
  t.after(() => files.remove());
  assert.throws(() => new HtpasswdFile(files.path('users'), captureLog().log), /users:2: .*a cost from 04 to 31/);
});
