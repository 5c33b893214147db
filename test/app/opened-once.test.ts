/** Things that a worker opens once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shared } from 'portico/app';
import { Config } from 'portico/config';
import { deferred } from '../../dist/tasks/deferred.js';

/** A user whose end runs its releases. */
function userOf(config: Config) {
  const releases: (() => unknown)[] = [];
  return {
    config,
    onClose: (release: () => unknown) => void releases.push(release),
    async end() {
      for (const release of releases.splice(0).reverse()) await release();
    },
  };
}

test('AU-9 it is opened once by its first user and closed with its last; another configuration has its own', async () => {
  const log: string[] = [];
  let opened = 0;
  const pool = shared(
    async () => {
      log.push(`open ${++opened}`);
      return opened;
    },
    (thing) => log.push(`close ${thing}`),
  );
  const [config, other] = [new Config(), new Config()];
  const [app, manager, elsewhere] = [userOf(config), userOf(config), userOf(other)];
  assert.deepEqual(await Promise.all([pool(app), pool(manager)]), [1, 1]);
  assert.equal(await pool(elsewhere), 2);
  await app.end();
  assert.deepEqual(log, ['open 1', 'open 2']);
  await manager.end();
  assert.deepEqual(log, ['open 1', 'open 2', 'close 1']);
  const next = userOf(config);
  assert.equal(await pool(next), 3);
  await next.end();
  await elsewhere.end();
  assert.deepEqual(log.slice(3), ['open 3', 'close 3', 'close 2']);
});

test('AU-9 a thing that cannot be opened refuses all who wait, and the next user tries again', async () => {
  let isDown = true;
  const closed: string[] = [];
  const pool = shared(
    () => {
      if (isDown) throw new Error('down');
      return 'up';
    },
    (thing) => closed.push(thing),
  );
  const user = userOf(new Config());
  await Promise.all([assert.rejects(pool(user), /down/), assert.rejects(pool(user), /down/)]);
  isDown = false;
  assert.equal(await pool(user), 'up');
  await user.end();
  assert.deepEqual(closed, ['up']);
});

test('AU-9 a user that is released while it is opened closes it, and one of a failed opening closes nothing', async () => {
  const closed: string[] = [];
  const opened = deferred();
  const pool = shared(
    () => opened.promise.then(() => 'up'),
    (thing) => closed.push(thing),
  );
  const user = userOf(new Config());
  const opening = pool(user);
  const ended = user.end();
  opened.resolve();
  await Promise.all([opening, ended]);
  assert.deepEqual(closed, ['up']);
  const failing = shared(
    () => Promise.reject(new Error('down')),
    (thing) => closed.push(thing),
  );
  await assert.rejects(failing(user), /down/);
  await user.end();
  assert.deepEqual(closed, ['up']);
});
