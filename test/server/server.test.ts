import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type App, Fault } from 'portico/app';
import { Server, type ServerOptions } from 'portico/server';
import { isListening } from '#internal/service';
import { memoryLog } from './memory-log.js';
import { Client, exchange, portOf } from './raw-client.js';

const hello: App = (_req, res) => {
  res.end('hello');
};

test('LC-1304 LC-1305 a server listens on 127.0.0.1 and knows its port after the start', async () => {
  const server = new Server('one', hello);
  assert.ok(isListening(server));
  assert.deepEqual(server.addresses, [{ host: '127.0.0.1', port: 0, backlog: 511 }]);
  await server.start();
  assert.notEqual(portOf(server), 0);
  assert.match(await exchange(portOf(server), 'GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'), /hello$/);
  await server.stop({ graceful: true });
});

test('LC-1313 the log says where it listens, and what could not be bound', async () => {
  const log = memoryLog();
  const first = new Server('one', hello, { log });
  await first.start();
  const port = portOf(first);
  assert.equal(log.lines[0]?.message, `one listening on 127.0.0.1:${port}`);
  const second = new Server('two', hello, { port, log });
  await assert.rejects(async () => second.start(), { code: 'EADDRINUSE', message: new RegExp(`127.0.0.1:${port}`) });
  assert.ok(log.lines.some(({ message }) => message === `Could not bind to 127.0.0.1:${port}`));
  await first.stop();
  await second.start();
  await second.stop();
});

test('LC-1313 LC-7 a backlog below 1 is refused at construction', () => {
  assert.throws(() => new Server('one', hello, { backlog: 0 }), {
    name: 'RangeError',
    code: 'PORTICO_INVALID_BACKLOG',
    message: 'The backlog must be more than 0',
  });
});

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

test('LC-1314 a server can be started again after it was stopped', async () => {
  const server = new Server('again', hello);
  for (let round = 0; round < 3; round++) {
    await server.start();
    assert.match(await exchange(portOf(server), 'GET / HTTP/1.0\r\n\r\n'), /hello$/);
    await server.stop({ graceful: true });
    await server.wait();
  }
});

test('LC-102 LC-4 stopping is safe before the start, twice and at once', async () => {
  const server = new Server('calm', hello);
  await server.stop();
  await server.start();
  await Promise.all([server.stop({ graceful: true }), server.stop({ graceful: true })]);
  await server.stop();
  await server.wait();
});

test('RL-95 a unix socket has mode 0660, replaces a stale one, and goes at the end', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'portico-'));
  const path = join(folder, 'api.sock');
  const server = new Server('unix', hello, { path });
  await server.start();
  assert.equal(statSync(path).mode & 0o777, 0o660);
  const rival = new Server('rival', hello, { path });
  await assert.rejects(async () => rival.start(), { code: 'EADDRINUSE' });
  const answered = await new Promise((resolve) => {
    get({ socketPath: path, path: '/' }, (res) => resolve(res.statusCode));
  });
  assert.equal(answered, 200);
  await server.stop();
  assert.equal(statSync(path, { throwIfNoEntry: false }), undefined);
  rmSync(folder, { recursive: true });
});

test('RL-56 LC-1228 server_debug shows the stack of an unexpected error, and of nothing else', async () => {
  const app: App = () => {
    throw new Error('look here');
  };
  const server = new Server('debug', app, { serverDebug: true });
  await server.start();
  assert.match(
    await exchange(portOf(server), 'GET / HTTP/1.0\r\n\r\n'),
    / 500 [\s\S]*look here[\s\S]*server\.test\.js/,
  );
  await server.stop();
});

test('a fault thrown by an app is rendered, anything else is one 500 and one line in the log', async () => {
  const log = memoryLog();
  const server = new Server(
    'faults',
    async (req) => {
      if (req.url === '/fault') throw new Fault(409, { message: 'no such luck' });
      throw new Error('secret');
    },
    { log },
  );
  await server.start();
  const client = new Client(portOf(server));
  client.write('GET /fault HTTP/1.1\r\nhost: x\r\n\r\n');
  const fault = await client.response();
  assert.equal(fault.status, 409);
  assert.match(fault.body, /no such luck/);
  client.write('GET /error?token=abc HTTP/1.1\r\nhost: x\r\n\r\n');
  const error = await client.response();
  assert.equal(error.status, 500);
  assert.doesNotMatch(error.body, /secret/);
  client.close();
  await server.stop({ graceful: true });
  const logged = log.lines.filter(({ level }) => level === 'error');
  assert.equal(logged.length, 1);
  assert.deepEqual(logged[0]?.fields.path, '/error');
});

test('RL-1 a failure after the head destroys the connection, so that no answer looks complete', async () => {
  const server = new Server('cut', async (_req, res) => {
    res.writeHead(200, { 'content-length': '10' });
    res.write('half');
    throw new Error('too late');
  });
  await server.start();
  const answer = await exchange(portOf(server), 'GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  assert.match(answer, /^HTTP\/1.1 200 [\s\S]*half$/);
  await server.stop({ graceful: true });
});
