import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { App } from 'portico/app';
import { Server, type ServerOptions } from 'portico/server';
import { exchange, portOf } from './raw-client.js';

const hello: App = (_req, res) => {
  res.end('hello');
};

test('RL-6 every limit is checked at construction, and the error names it', () => {
  const wrong: readonly ServerOptions[] = [
    { maxHeaders: -1 },
    { maxHeaderSize: 0 },
    { maxUrlLength: 1.5 },
    { keepAliveTimeout: -1 },
    { sendTimeout: Number.NaN },
    { defaultPoolSize: -1 },
    { requestTimeout: 3_000_000 },
  ];
  for (const options of wrong) {
    const [name = ''] = Object.keys(options);
    assert.throws(() => new Server('one', hello, options), {
      code: 'PORTICO_INVALID_OPTION',
      message: new RegExp(`^${name}: `),
    });
  }
});

test('RL-6 a limit of 0 is none, where that is allowed', async () => {
  const none = {
    maxHeaders: 0,
    maxUrlLength: 0,
    maxConnections: 0,
    maxRequestsPerConnection: 0,
    defaultPoolSize: 0,
    headersTimeout: 0,
    requestTimeout: 0,
    keepAliveTimeout: 0,
    sendTimeout: 0,
    handshakeTimeout: 0,
    clientSocketTimeout: 0,
    minBodyRate: 0,
    tcpKeepidle: 0,
  };
  const server = new Server('free', hello, none);
  await server.start();
  assert.match(await exchange(portOf(server), 'GET / HTTP/1.0\r\n\r\n'), /hello$/);
  await server.stop({ graceful: true });
});
