import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { authToken } from 'portico/middleware';
import { buildFilter, captureLog, request } from 'portico/testing';
import { account, setUp, token } from '../fake-identity.js';

/** Opens a local port that accepts connections and never responds. */
async function silentPort(t: TestContext): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => sockets.add(socket.on('error', () => {}))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

test('MW-37 a memcached that does not respond is waited for once, reported once, and left alone for a while', async (t) => {
  const { log, lines } = captureLog('warn');
  const port = await silentPort(t);
  const { identity, filter } = await setUp(
    t,
    { memcached_servers: `127.0.0.1:${port}`, memcache_pool_socket_timeout: '0.1' },
    log,
  );
  for (const name of ['one', 'two', 'three']) {
    identity.tokens.set(name, token());
    const answer = await request(
      filter((_req, res) => void res.end()),
      'GET',
      '/',
      { headers: { 'x-auth-token': name } },
    );
    assert.equal(answer.status, 200);
  }
  assert.equal(identity.validations.length, 3);
  assert.deepEqual(
    lines.map(({ msg, server, seconds }) => [msg, server, seconds]),
    [['memcached does not respond; tokens are validated without it for a while', `127.0.0.1:${port}`, 300]],
  );
});

test('MW-37 a memcached that closes the connection in the middle of a response holds no request', async (t) => {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(Buffer.from([0x81, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 40])));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const { identity, filter } = await setUp(t, {
    memcached_servers: `127.0.0.1:${port}`,
    memcache_pool_socket_timeout: '0.1',
  });
  identity.tokens.set('one', token());
  const app = filter((_req, res) => void res.end());
  const answers = await Promise.all(
    ['one', 'one'].map((name) => request(app, 'GET', '/', { headers: { 'x-auth-token': name } })),
  );
  const statuses = answers.map(({ status }) => status);
  assert.deepEqual(statuses, [200, 200]);
});

test('MW-37 memcache_security_strategy without memcache_secret_key is refused', async () => {
  const local = { ...account('http://127.0.0.1:9'), memcached_servers: 'a:1', memcache_security_strategy: 'ENCRYPT' };
  await assert.rejects(async () => buildFilter(authToken, { local }), { code: 'PORTICO_TOKEN_CACHE' });
});
