import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { type App, Fault } from 'portico/app';
import { Server } from 'portico/server';
import { isListening } from '#internal/service';
import { deferred } from '#internal/tasks';
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

test('LC-1313 LC-7 a backlog below 1 is refused at construction', () => {
  assert.throws(() => new Server('one', hello, { backlog: 0 }), {
    name: 'RangeError',
    code: 'PORTICO_INVALID_BACKLOG',
    message: 'The backlog must be more than 0',
  });
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

test('RW-8 a server that goes on after a stop for a reload has not ended for those that wait', async () => {
  const server = new Server('again', hello);
  await server.start();
  let hasEnded = false;
  const ended = server.wait().then(() => {
    hasEnded = true;
  });
  for (const goOn of [async () => server.resume(), () => server.start()]) {
    await server.stop({ graceful: true, reason: 'reload' });
    // Of the stop for a reload.
    await server.wait();
    await goOn();
    assert.match(await exchange(portOf(server), 'GET / HTTP/1.0\r\n\r\n'), /hello$/);
    assert.equal(hasEnded, false);
  }
  await server.stop();
  await ended;
});

test('RW-2 a request that a stop cuts off at the deadline of a reload is counted once', async () => {
  const held = deferred();
  const server = new Server('once', () => held.promise);
  await server.start();
  const received = exchange(portOf(server), 'GET / HTTP/1.0\r\n\r\n');
  while (server.inFlight === 0) await new Promise(setImmediate);
  const [ofReload, ofStop] = [new AbortController(), new AbortController()];
  const stops = Promise.allSettled([
    server.stop({ graceful: true, reason: 'reload', signal: ofReload.signal }),
    server.stop({ graceful: true, signal: ofStop.signal }),
  ]);
  // Then it waits for the request.
  for (let isClosed = false; !isClosed; ) {
    const probe = new Client(portOf(server));
    await Promise.race([probe.closed, once(probe.socket, 'connect').catch(() => {})]);
    isClosed = probe.error !== undefined;
    probe.close();
  }
  ofStop.abort();
  ofReload.abort();
  assert.equal(await received, '');
  await stops;
  assert.equal(server.cutOffRequests, 1);
  held.resolve();
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

test('RL-1 a failure after the headers destroys the connection, so that no response looks complete', async () => {
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
