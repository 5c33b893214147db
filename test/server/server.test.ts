import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type App, Fault } from 'portico/app';
import { Server } from 'portico/server';
import { isListening } from 'portico/service';
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

test('LC-1313 a backlog below 1 is refused at construction', () => {
  assert.throws(() => new Server('one', hello, { backlog: 0 }), { message: 'The backlog must be more than 0' });
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
