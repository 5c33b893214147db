/** What an operator is told of an address that cannot be had. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bindFailure } from '../../dist/launch/sockets/bind-failure.js';
import { openListenSockets } from '../../dist/launch/sockets/listen-sockets.js';

async function told(address: Parameters<typeof openListenSockets>[0]) {
  const error = await openListenSockets(address).then(
    (sockets) => {
      sockets.close();
      throw new Error('it could be bound');
    },
    (reason: unknown) => reason,
  );
  return bindFailure({ name: 'compute', place: 'portico.ini:4:8' }, error);
}

test('a host name that nobody knows is named, with how to look it up', async () => {
  const { code, message, hint } = await told({ host: 'no-such-host.invalid', port: 0 });
  assert.equal(code, 'PORTICO_START_FAILED');
  assert.match(message, /^portico\.ini:4:8: compute: no address is known for no-such-host\.invalid \(E/);
  assert.match(hint ?? '', /getent hosts no-such-host\.invalid/);
});

test('an address of another machine is told with how to see those of this one', async () => {
  const { message, hint } = await told({ host: '192.0.2.1', port: 0 });
  assert.match(message, /192\.0\.2\.1:0: this machine has no such address/);
  assert.match(hint ?? '', /ip addr/);
});

test('a port that takes a right is told with that right, a path that may not be written without', () => {
  const refused = (address: string) => Object.assign(new Error('permission denied'), { code: 'EACCES', address });
  assert.match(bindFailure({ name: 'a' }, refused('127.0.0.1:80')).hint ?? '', /CAP_NET_BIND_SERVICE/);
  assert.equal(bindFailure({ name: 'a' }, refused('/run/a.sock')).hint, undefined);
});
