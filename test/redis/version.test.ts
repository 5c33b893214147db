/** Versions of the package redis, of which npm installs one of several. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refuseVersion } from '../../dist/extras/redis/redis-connection.js';

test('a version of redis that does not work is refused by name, where it is used', () => {
  for (const kind of ['server', 'sentinel', 'cluster'] as const) refuseVersion(kind, '6.3.1');
  for (const kind of ['server', 'sentinel'] as const) refuseVersion(kind, '5.12.1');
  assert.throws(() => refuseVersion('cluster', '5.12.1'), {
    code: 'PORTICO_REDIS_MISSING',
    message: /^store = redis\+cluster:\/\/… works with version 6 of the package redis, and 5\.12\.1 is installed$/m,
  });
  assert.throws(
    () => refuseVersion('server', '4.7.0'),
    /works with version 5 or 6 of the package redis, and 4\.7\.0 is installed/,
  );
});
