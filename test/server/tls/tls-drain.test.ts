import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { Server } from 'portico/server';
import { generate } from 'selfsigned';
import { Client, portOf } from '../raw-client.js';

const pair = await generate([{ name: 'commonName', value: 'localhost' }], { keyType: 'ec' });

test('LC-542 RL-90 over TLS stalled handshakes, silent and idle connections are closed by a drain', async () => {
  const tls = { cert: pair.cert, key: pair.private };
  const server = new Server('secure', (_req, res) => void res.end('ok'), { tls, drainIdle: 0.05 });
  await server.start();
  const port = portOf(server);
  const secure = async () => {
    const socket = connectTls({ port, host: '127.0.0.1', ca: pair.cert, servername: 'localhost' });
    await once(socket, 'secureConnect');
    return new Client(socket);
  };
  const stalled = new Client(port);
  await once(stalled.socket, 'connect');
  const silent = await secure();
  const used = await secure();
  used.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  assert.equal((await used.response()).body, 'ok');
  assert.equal(server.connections.open, 3);
  used.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  await server.stop({ graceful: true });
  await Promise.all([stalled.closed, silent.closed, used.closed]);
  assert.equal((await used.response()).headers.get('connection'), 'close');
});
